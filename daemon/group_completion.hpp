// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/core/event.hpp"
#include "daemon/worker.hpp"

#include <sys/types.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace sesslimit {

/// Completes the groups of logins whose user is in more groups than a request of the PAM module can contain
/// (wire::max_gids). Forwards all events, and the requests of such logins after the groups have been looked up.
class GroupCompletion final : public core::EventSink {
  public:
    struct Dependencies {
        Worker& worker;
        /// Receiver to which the events are forwarded.
        core::EventSink& events;
        /// Returns all group IDs of a user, sorted. Called on the worker thread, because it may block.
        std::function<Result<std::vector<gid_t>>(const std::string& user)> look_up;
        /// Writes a message to the journal. The message is already escaped for display.
        std::function<void(const std::string&)> warn;
    };

    /// Lifetime: the objects that `dependencies` references must outlive the GroupCompletion, which must exist until
    /// the worker thread is stopped.
    explicit GroupCompletion(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

    /// If the event is OpenRequested of a login with incomplete groups, looks up the groups and forwards the event
    /// afterwards. The event is discarded if the PAM module aborts the request in the meantime. If the lookup fails,
    /// logs the error and forwards the event with the groups that the module has sent. Forwards any other event
    /// immediately.
    void handle(core::Event event) override;

  private:
    void forward(core::OpenRequested login, Result<std::vector<gid_t>> gids, BootTime asked);

    Dependencies dependencies_;
    /// Requests whose groups are being looked up.
    std::set<RequestId> pending_;
};

} // namespace sesslimit
