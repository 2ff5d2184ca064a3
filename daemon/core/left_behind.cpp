// SPDX-License-Identifier: MIT
// Sessions of which processes still run after a logout, or after a termination that preserved programs.
#include "daemon/core/decision_context.hpp"

#include <algorithm>

namespace sesslimit::core {

void leave_behind(DecisionContext& context, const Session& session) {
    if (session.logind_id.empty()) {
        return remove_session(context, session); // logind has no processes of the session
    }
    Session left = session;
    left.phase = Phase::left_behind;
    left.leader = {};
    left.logout_check = LogoutCheck::none;
    left.observed = false;
    // The limits of the session are not new to its user.
    left.limits_left_behind = context.limits(session).limit_left_behind.value == policy::LimitLeftBehind::yes;
    reapply_to_left_behind(context, left);
    context.put(left);
    if (occupies_slot(session) && !occupies_slot(left)) {
        context.notify(Notice::Kind::released, left, named_reason(left, {}));
        admit_waiting(context, session);
    }
}

void reapply_to_left_behind(const DecisionContext& context, Session& session) {
    if (!session.kept && policy::counts(context.policy, session.login)) {
        return reapply_policy(context, session, false);
    }
    session.counts_left_behind = session.limits_left_behind = session.is_used_by_mosh = false;
    session.shared_limits.clear();
    session.fleet_limit = 0;
    session.max_duration = session.idle_timeout = session.idle_timeout_no_terminal = unlimited_duration;
    session.due = never;
}

void on_programs_preserved(DecisionContext& context, const ProgramsPreserved& event) {
    const Session& from = event.session;
    const auto& keys = context.state.of_user(from.login.uid);
    const bool is_known =
        std::ranges::any_of(keys, [&](SessionKey key) { return context.state.at(key).scope == event.scope; });
    if (is_known) {
        return; // recorded by an earlier daemon process, which was killed during the termination
    }
    Session kept;
    kept.key = context.state.next_key();
    kept.phase = Phase::left_behind;
    kept.kept = true;
    kept.login = from.login;
    kept.scope = event.scope;
    kept.opened = from.opened;
    kept.admitted = from.admitted;
    kept.last_input = last_use_of(from);
    kept.logged_out = context.now;
    context.put(kept);
}

void on_scope_emptied(DecisionContext& context, const ScopeEmptied& event) {
    const Session* session = context.state.find(event.session);
    if (session != nullptr && session->kept) {
        remove_session(context, *session);
    }
}

} // namespace sesslimit::core
