// SPDX-License-Identifier: MIT
#include "daemon/group_completion.hpp"

#include "common/clock.hpp"
#include "common/text.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace sesslimit {

void GroupCompletion::handle(core::Event event) {
    if (const auto* aborted = std::get_if<core::RequestAborted>(&event)) {
        pending_.erase(aborted->request);
    }
    auto* opened = std::get_if<core::OpenRequested>(&event);
    if (opened == nullptr || !opened->login.gids_cut) {
        return dependencies_.events.handle(std::move(event));
    }
    pending_.insert(opened->request);
    dependencies_.worker.submit([this, login = std::move(*opened), asked = boottime_now()]() mutable -> Worker::Done {
        auto gids = dependencies_.look_up(login.login.user);
        return [this, login = std::move(login), gids = std::move(gids), asked]() mutable {
            forward(std::move(login), std::move(gids), asked);
        };
    });
}

void GroupCompletion::forward(core::OpenRequested login, Result<std::vector<gid_t>> gids, BootTime asked) {
    if (pending_.erase(login.request) == 0) {
        return;
    }
    if (gids) {
        login.login.gids = *std::move(gids);
        login.login.gids_cut = false;
    } else {
        dependencies_.warn("Failed to look up all groups of " + escape_for_display(login.login.user) +
                           ". Policy rules for the missing groups do not apply to this login: " + gids.error().what);
    }
    login.budget = std::max(Duration{}, login.budget - (boottime_now() - asked));
    dependencies_.events.handle(std::move(login));
}

} // namespace sesslimit
