// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/core/session.hpp"
#include "daemon/event_loop.hpp"
#include "daemon/inspect/multiplexer.hpp"
#include "daemon/systemd/scopes.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace sesslimit {

/// Moves the terminal multiplexers of a session out of the way of its end, and then has the session ended. It is ended
/// in any case, and at most `within` after it was asked for.
///
/// The servers are moved into a scope of their own beside the session's. What runs below them follows, in rounds, for
/// as long as a look still finds some: processes come and go meanwhile.
class MultiplexerPreserver {
  public:
    /// Less than core::Timeouts::kill_delay, after which all of the session is sent SIGKILL.
    static constexpr Duration within = std::chrono::seconds(3);
    static constexpr int max_rounds = 32;

    /// What has become of it.
    struct Outcome {
        const core::Session& session;
        const std::string& scope;
        std::size_t moved = 0;        ///< processes in that scope
        std::optional<Error> problem; ///< why not all of them are there
        bool is_unclear = false;      ///< the problem is that nobody could tell what there is
    };

    struct Dependencies {
        sd_event* loop;
        systemd::Scopes& scopes;
        /// inspect::multiplexer_of(), or a test's.
        std::function<Result<inspect::Multiplexer>(const core::Session&, const std::string& scope)> look;
        std::function<void(const std::string& logind_id)> terminate;
        std::function<void(const Outcome&)> told; ///< not called for sessions that are seen to have no multiplexer
        Duration within = MultiplexerPreserver::within;
    };

    /// References live longer than this.
    explicit MultiplexerPreserver(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

    /// logind has it, and it is to be terminated.
    void begin(const core::Session& session);

  private:
    struct Job {
        core::Session session;
        std::string scope;
        std::size_t moved = 0;
        int rounds = 0;
        EventSource deadline;
        MultiplexerPreserver* owner = nullptr;
    };

    void start(Job& job, const inspect::Multiplexer& multiplexer);
    void started(SessionKey key, const Result<>& result);
    void go_on(SessionKey key);
    void finish(SessionKey key, std::optional<Error> problem = {}, bool is_unclear = false);
    static int on_late(sd_event_source* source, std::uint64_t at, void* job);

    Dependencies dependencies_;
    std::map<SessionKey, Job> jobs_;
};

} // namespace sesslimit
