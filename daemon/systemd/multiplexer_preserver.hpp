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

/// Multiplexer preservation, which moves the terminal multiplexers (tmux, screen) of a session out of the session's
/// scope and then terminates the session. The session is always terminated, at most `within` after begin().
///
/// The servers of the multiplexers are moved first, into a separate scope beside the session's scope. The descendants
/// of the servers follow in rounds, because processes start and exit in the meantime. The rounds end when a scan finds
/// no more descendants.
class MultiplexerPreserver {
  public:
    /// Maximum time from begin() to the termination of the session. The time must be less than
    /// core::Timeouts::kill_delay, after which SIGKILL is sent to all processes of the session.
    static constexpr Duration within = std::chrono::seconds(3);
    static constexpr int max_rounds = 32;

    /// Result of the preservation.
    struct Outcome {
        const core::Session& session;
        const std::string& scope;
        /// Number of multiplexer processes that were moved out of the session's scope.
        std::size_t moved = 0;
        /// Error because of which not all multiplexer processes were moved. Absent if all of them were moved.
        std::optional<Error> problem;
        /// True if the processes of the session could not be inspected.
        bool is_unclear = false;
    };

    struct Dependencies {
        sd_event* loop;
        systemd::Scopes& scopes;
        /// Returns the multiplexer processes of a session. The daemon uses inspect::multiplexer_of(), and tests use a
        /// replacement.
        std::function<Result<inspect::Multiplexer>(const core::Session&, const std::string& scope)> look;
        std::function<void(const std::string& logind_id)> terminate;
        std::function<void(const Outcome&)> told; ///< callback if a multiplexer exists
        Duration within = MultiplexerPreserver::within;
    };

    /// Lifetime: the objects that `dependencies` references must outlive the MultiplexerPreserver.
    explicit MultiplexerPreserver(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

    /// Begins to preserve the multiplexers of a session that has a logind ID. The session is terminated afterwards.
    void begin(const core::Session& session);

  private:
    struct Job {
        core::Session session;
        std::string scope;
        std::size_t moved = 0;
        int rounds = 0;
        std::optional<Timer> deadline;
    };

    void start(Job& job, const inspect::Multiplexer& multiplexer);
    void started(SessionKey key, const Result<>& result);
    void go_on(SessionKey key);
    void finish(SessionKey key, std::optional<Error> problem = {}, bool is_unclear = false);

    Dependencies dependencies_;
    std::map<SessionKey, Job> jobs_;
};

} // namespace sesslimit
