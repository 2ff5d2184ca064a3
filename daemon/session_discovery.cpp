// SPDX-License-Identifier: MIT
#include "daemon/session_discovery.hpp"

#include "daemon/user_lookup.hpp"

#include <utility>
#include <vector>

namespace sesslimit {

void SessionDiscovery::restore(core::Session&& session) {
    if (session.login.gids_cut) {
        dependencies_.worker.submit([this, key = session.key, user = session.login.user]() -> Worker::Done {
            return [this, key, gids = groups_of(user)] {
                // If the groups of the user could not be looked up, the session keeps the incomplete list of groups
                // from the ledger.
                if (gids) {
                    dependencies_.events.handle(core::GroupsResolved{key, *gids});
                }
            };
        });
    }
    // If the leader process of the session still exists, it is tracked from now on. Later calls of track() for this
    // session have no effect.
    const auto tracked =
        session.leader.pid == 0 ? Result<bool>(true) : dependencies_.leaders.track(session.key, session.leader);
    dependencies_.events.handle(
        core::SessionRestored{.session = std::move(session), .leader_gone = tracked && !*tracked});
}

void SessionDiscovery::add(core::LogindSession session) {
    const core::State& state = dependencies_.engine.state();
    if (state.by_logind(session.id) != nullptr ||
        (session.leader.pid != 0 && state.by_leader(session.leader) != nullptr)) {
        return dependencies_.events.handle(core::LogindSessionNew{std::move(session)});
    }
    // logind does not know a remote host of an ssh session whose connection does not use IP.
    if (session.login.service == "sshd" && session.login.rhost.empty()) {
        session.login.rhost = unix_origin;
    }
    // The PAM module did not report this session, so the groups of its user are unknown. The worker thread looks them
    // up, because the lookup may block.
    pending_.insert(session.id);
    dependencies_.worker.submit([this, session = std::move(session)]() mutable -> Worker::Done {
        auto gids = groups_of(session.login.user);
        // If the groups of the user could not be looked up, they are looked up again at the next start of the daemon.
        session.login.gids_cut = !gids;
        session.login.gids = gids ? *std::move(gids) : std::vector<gid_t>{};
        return [this, session = std::move(session)]() mutable {
            if (pending_.erase(session.id) > 0) { // otherwise the session is gone
                dependencies_.events.handle(core::LogindSessionNew{std::move(session)});
            }
        };
    });
}

void SessionDiscovery::remove(const std::string& logind_id) {
    pending_.erase(logind_id);
    dependencies_.events.handle(core::LogindSessionRemoved{logind_id});
}

} // namespace sesslimit
