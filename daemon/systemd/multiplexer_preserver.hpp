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

/// Multiplexer preservation, which moves the multiplexers of a session out of its scope and then terminates the
/// session. The termination always follows, at most `within` after begin().
///
/// The servers are moved into a separate scope beside the session's scope. The descendants of the servers follow in
/// rounds, because processes start and exit in the meantime. The rounds end when a scan finds no more descendants.
class MultiplexerPreserver {
  public:
    /// Maximum time from begin() to the termination. Must be less than core::Timeouts::kill_delay, after which SIGKILL
    /// is sent to all processes of the session.
    static constexpr Duration within = std::chrono::seconds(3);
    static constexpr int max_rounds = 32;

    /// Result of the preservation.
    struct Outcome {
        const core::Session& session;
        const std::string& scope;
        std::size_t moved = 0;        ///< number of processes in the scope for preserved processes
        std::optional<Error> problem; ///< error that prevented the move of all processes; absent: all were moved
        bool is_unclear = false;      ///< true if the processes could not be inspected
    };

    struct Dependencies {
        sd_event* loop;
        systemd::Scopes& scopes;
        /// Returns the processes of multiplexers. This is inspect::multiplexer_of() or the replacement of a test.
        std::function<Result<inspect::Multiplexer>(const core::Session&, const std::string& scope)> look;
        std::function<void(const std::string& logind_id)> terminate;
        std::function<void(const Outcome&)> told; ///< callback if a multiplexer exists
        Duration within = MultiplexerPreserver::within;
    };

    /// Lifetime: the referenced objects must outlive this object.
    explicit MultiplexerPreserver(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

    /// Begins the preservation and termination of a session that logind has.
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
