// SPDX-License-Identifier: MIT
#include "daemon/daemon_backend.hpp"

#include "daemon/user_lookup.hpp"

#include <utility>

namespace sesslimit {

api::Status DaemonBackend::status() const {
    using policy_store::PolicyOrigin;
    api::Status status{.policy_since = dependencies_.policies.since(),
                       .recording = dependencies_.recorder.is_recording(),
                       .policy_problems = dependencies_.policies.problems(),
                       .policy_digest = dependencies_.policies.digest(),
                       .policy_directory = dependencies_.policies.directory().native()};
    switch (dependencies_.policies.origin()) {
    case PolicyOrigin::files:
        status.policy = "files";
        break;
    case PolicyOrigin::cached:
        status.policy = "kept";
        break;
    case PolicyOrigin::none:
        status.policy = "none";
        break;
    }
    return status;
}

api::WallClock DaemonBackend::moment() const {
    return {.now = boottime_now(), .wall_offset = wall_offset()};
}

const inspect::TerminalSnapshot& DaemonBackend::terminal_snapshot(const core::Session& session) {
    return dependencies_.snapshots.terminals.of(session, boottime_now());
}

const inspect::TerminationPreview& DaemonBackend::termination_preview(const core::Session& session) {
    return dependencies_.snapshots.previews.of(session, boottime_now());
}

void DaemonBackend::end(SessionKey key, const core::Requester& by) {
    dependencies_.events.handle(core::TerminationRequested{key, by});
}

bool DaemonBackend::look_up(uid_t caller, api::ExplainQuery question, std::function<void(std::optional<Login>)> then) {
    auto place = look_ups_.take(caller);
    if (place == nullptr) {
        return false;
    }
    dependencies_.worker.submit(
        [place = std::move(place), question = std::move(question), then = std::move(then)]() mutable -> Worker::Done {
            return [place = std::move(place), then = std::move(then), login = complete(question)] { then(login); };
        });
    return true;
}

} // namespace sesslimit
