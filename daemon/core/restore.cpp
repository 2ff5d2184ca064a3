// SPDX-License-Identifier: MIT
#include "daemon/core/activity.hpp"
#include "daemon/core/decision_context.hpp"

#include <algorithm>

namespace sesslimit::core {

void on_session_restored(DecisionContext& context, const SessionRestored& event) {
    Session session = event.session;
    session.request = RequestId::none;
    session.opened = std::min(session.opened, context.now);
    session.last_input = std::min(session.last_input, context.now);
    session.last_sample.at = std::min(session.last_sample.at, context.now);
    session.last_sample.processor_at = session.last_sample.at;
    session.perhaps_used = session.last_sample.at;
    switch (session.phase) {
    case Phase::waiting:
    case Phase::asking:
        // A login that waited for its answer lost the connection to the daemon when the daemon stopped. Its record is
        // removed, because the PAM module repeats the request.
        context.out.records.emplace_back(Drop{session.key});
        return;
    case Phase::admitted:
    case Phase::active:
        if (event.leader_gone) {
            // The process that opened the session exited while the daemon was not running, possibly after a logout.
            // Processes that are left behind after a logout must not be terminated, and only logind can report a
            // logout. If the session was not logged out, it is adopted again when logind lists it.
            return leave_behind(context, session);
        }
        if (release_uncounted(context, session)) {
            return;
        }
        if (is_input_undated(session)) {
            session.last_input = context.now; // see activity.hpp
        }
        reapply_policy(context, session, false);
        commit_session(context, session, event.session);
        return context.request_first_probe(session);
    case Phase::ending:
    case Phase::closed:
        context.recount(session);
        break;
    case Phase::denied:
        break;
    case Phase::left_behind:
        reapply_to_left_behind(context, session);
        context.put(session);
        return context.request_first_probe(session);
    }
    context.put(session);
}

} // namespace sesslimit::core
