// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/core/session.hpp"
#include "daemon/event_loop.hpp"
#include "daemon/inspect/kept_programs.hpp"
#include "daemon/systemd/scopes.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sesslimit {

/// Preservation of programs such as tmux and screen (setting `keep`), which moves them out of the session's scope and
/// then terminates the session. The session is always terminated, at most `within` after begin().
///
/// The servers of the programs are moved first, into a separate scope beside the session's scope. The descendants
/// of the servers follow in rounds, because processes start and exit in the meantime. The rounds end when a scan finds
/// no more descendants.
class ProgramPreserver {
  public:
    /// Maximum time from begin() to the termination of the session. The time must be less than
    /// core::Timeouts::kill_delay, after which SIGKILL is sent to all processes of the session.
    static constexpr Duration within = std::chrono::seconds(3);
    static constexpr int max_rounds = 32;

    /// Result of the preservation.
    struct Outcome {
        const core::Session& session;
        const std::string& scope;
        /// Number of processes that were moved out of the session's scope.
        std::size_t moved = 0;
        /// Error because of which not all processes of kept programs were moved. Absent if all of them were moved.
        std::optional<Error> problem;
        /// True if the processes of the session could not be inspected.
        bool is_unclear = false;
    };

    struct Dependencies {
        sd_event* loop;
        systemd::Scopes& scopes;
        /// Returns the processes of the programs `keep` in a session. The daemon uses inspect::kept_programs_of(), and
        /// tests use a replacement.
        std::function<Result<inspect::KeptPrograms>(const core::Session&, const std::string& scope,
                                                    const std::vector<std::string>& keep)>
            look;
        std::function<void(const core::Session&)> terminate;
        std::function<void(const Outcome&)> told; ///< callback if such a program exists
        Duration within = ProgramPreserver::within;
    };

    /// Lifetime: the objects that `dependencies` references must outlive the ProgramPreserver.
    explicit ProgramPreserver(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

    /// Begins to preserve the programs `keep` of a session that has a logind ID. The session is terminated afterwards.
    void begin(const core::Session& session, const std::vector<std::string>& keep);

  private:
    struct Job {
        core::Session session;
        std::string scope;
        std::vector<std::string> keep;
        std::size_t moved = 0;
        int rounds = 0;
        std::optional<Timer> deadline;
    };

    void start(Job& job, const inspect::KeptPrograms& programs);
    void started(SessionKey key, const Result<>& result);
    void go_on(SessionKey key);
    void finish(SessionKey key, std::optional<Error> problem = {}, bool is_unclear = false);

    Dependencies dependencies_;
    std::map<SessionKey, Job> jobs_;
};

} // namespace sesslimit
