// SPDX-License-Identifier: MIT
// Handlers of events from logind, and of the exit of a session's leader (the process that opened the session).
#include "daemon/core/deadline.hpp"
#include "daemon/core/decision_context.hpp"

#include <algorithm>

namespace sesslimit::core {
namespace {

void adopt(DecisionContext& context, const LogindSession& seen) {
    if (!is_login_class(seen.session_class) || !policy::counts(context.policy, seen.login)) {
        return;
    }
    Session session;
    session.key = context.state.next_key();
    session.phase = Phase::active;
    session.adopted = true;
    session.login = seen.login;
    session.leader = seen.leader;
    session.logind_id = seen.id;
    session.scope = seen.scope;
    session.graphical = seen.graphical;
    session.opened = std::min(seen.opened, context.now);
    session.last_input = session.opened;
    if (seen.closing) {
        session.logged_out = context.now;
        session.phase = Phase::closed;
        return leave_behind(context, session);
    }
    reapply_policy(context, session, true);
    if (session.leader.pid == 0 && !policy::is_unlimited(context.limits(session))) {
        return on_leader_lost(context, session);
    }
    context.put(session);
    context.notify(Notice::Kind::adopted, session);
    context.request_first_probe(session);
}

/// Handles a new logind session of a login that the PAM module has already requested. The daemon recognizes the login
/// by its leader (the process that opened the session).
void join(DecisionContext& context, const Session& known, const LogindSession& seen) {
    Session session = known;
    session.logind_id = seen.id;
    session.scope = seen.scope;
    session.graphical = seen.graphical;
    if (!is_login_class(seen.session_class)) {
        session.logged_out = BootTime{}; // a greeter leaves no session of a user behind
    }
    switch (known.phase) {
    case Phase::admitted:
    case Phase::active:
        if (!is_login_class(seen.session_class)) {
            // A logind session of a greeter, a lock screen or a background job does not count as a session of the user.
            session.phase = Phase::closed;
            session.due = never;
            context.put(session);
            return admit_waiting(context, session);
        }
        session.phase = Phase::active;
        // The idle limit applies to a session as soon as logind has announced it.
        session.due = next_due(session, context.warnings(session, context.limits(session)));
        context.put(session);
        context.offer_missed_reason(session);
        return context.request_first_probe(session);
    case Phase::ending:
        if (session.stage != TerminationStage::pending) {
            // Before logind announced the session, the daemon could only ask the process that opened the session to
            // stop. It now asks all processes of the session to stop.
            session.stage = TerminationStage::notified;
            session.due = context.now;
        }
        return context.put(session);
    // A denied login gets a logind session only if the PAM stack continued after the denial. terminate_denied_login()
    // terminates the login later, so that the user has time to read the reason of the denial.
    case Phase::denied:
    case Phase::waiting:
    case Phase::asking:
    case Phase::closed:
    case Phase::left_behind:
        return context.put(session);
    }
}

/// Handles logind's state of a session whose leader exited while the daemon was not running. If the user has not logged
/// out, the session is adopted again.
void confirm_logout(DecisionContext& context, const Session& known, const LogindSession& seen) {
    if (known.logged_out != BootTime{}) {
        return;
    }
    if (!seen.closing) {
        context.out.records.emplace_back(Drop{known.key});
        return adopt(context, seen);
    }
    Session left = known;
    left.logged_out = context.now;
    context.put(left);
}

} // namespace

void on_leader_lost(DecisionContext& context, Session session) {
    const policy::Limits limits = context.limits(session);
    session.logout_check = LogoutCheck::none;
    if (!policy::is_unlimited(limits)) {
        return begin_termination(context, session, {.cause = Cause::leader_gone, .count = 0, .span = {}, .by = {}});
    }
    session.due = next_due(session, context.warnings(session, limits));
    context.put(session);
}

void check_logout(DecisionContext& context, Session session) {
    session.logout_check = std::max(session.logout_check, LogoutCheck::first);
    session.due = after(context.now, Timeouts::probe_retry);
    context.out.effects.emplace_back(CheckLogout{session.key, session.logind_id});
    context.put(session);
}

void on_leader_exited(DecisionContext& context, const LeaderExited& event) {
    const Session* found = context.state.find(event.session);
    if (found == nullptr) {
        return;
    }
    Session session = *found;
    session.leader = {};
    if (session.phase == Phase::active) {
        session.idle_stop = event.idle_stop.value_or(Duration{});
    }
    switch (session.phase) {
    case Phase::closed:
        if (session.logged_out != BootTime{}) {
            return leave_behind(context, session);
        }
        return remove_session(context, session);
    case Phase::left_behind:
        return; // only logind knows when the remaining processes have exited
    case Phase::waiting:
    case Phase::asking:
    case Phase::admitted:
    case Phase::denied:
        return remove_session(context, session);
    case Phase::active:
        if (session.logind_id.empty()) {
            return remove_session(context, session); // without a scope, no other process of the session is known
        }
        // If the daemon learned the session from logind, the PAM module does not report a logout of the session. Only
        // logind can report that logout.
        return session.adopted ? check_logout(context, session) : on_leader_lost(context, session);
    case Phase::ending:
        if (session.stage == TerminationStage::pending || session.stage == TerminationStage::notified) {
            // The process that opened the session has exited, so the user can no longer read the reason of the
            // termination. The termination therefore continues without delay.
            session.due = context.now;
        }
        return session.logind_id.empty() ? remove_session(context, session) : context.put(session);
    }
}

void on_logout_checked(DecisionContext& context, const LogoutChecked& event) {
    const Session* session = context.state.find(event.session);
    const bool is_asked =
        session != nullptr && session->phase == Phase::active && session->logout_check != LogoutCheck::none;
    if (!is_asked || event.state == LogoutChecked::State::unknown) {
        return; // without an answer, logind is asked again at the session's next deadline
    }
    if (event.state == LogoutChecked::State::closing) {
        Session left = *session;
        left.logged_out = context.now;
        return leave_behind(context, left);
    }
    if (session->logout_check == LogoutCheck::second) {
        return on_leader_lost(context, *session);
    }
    Session again = *session;
    again.logout_check = LogoutCheck::second;
    again.due = after(context.now, Timeouts::orphan_kill_delay);
    context.put(again);
}

void on_logind_session_new(DecisionContext& context, const LogindSessionNew& event) {
    const LogindSession& seen = event.session;
    const Session* known = context.state.by_logind(seen.id);
    if (known != nullptr) {
        // The process that opened the session exited before the daemon was restarted, and logind's answer to the logout
        // query (CheckLogout) was lost. If logind lists the session as closing, it was logged out.
        if (known->phase == Phase::active && known->adopted && known->leader.pid == 0 && seen.closing) {
            Session left = *known;
            left.logged_out = context.now;
            return leave_behind(context, left);
        }
        return known->phase == Phase::left_behind ? confirm_logout(context, *known, seen) : void();
    }
    known = seen.leader.pid == 0 ? nullptr : context.state.by_leader(seen.leader);
    if (known != nullptr && known->phase == Phase::denied && known->login.uid != seen.login.uid) {
        // The process of the denied login has also opened a session of another user.
        known = context.state.by_leader(seen.leader, seen.login.uid);
    }
    if (known != nullptr && known->logind_id.empty()) {
        return join(context, *known, seen);
    }
    adopt(context, seen);
}

void on_logind_session_removed(DecisionContext& context, const LogindSessionRemoved& event) {
    const Session* found = context.state.by_logind(event.id);
    if (found == nullptr) {
        return;
    }
    const bool is_tracked = found->phase == Phase::denied || found->phase == Phase::closed ||
                            found->phase == Phase::waiting || found->phase == Phase::asking;
    if (found->leader.pid == 0 || !is_tracked) {
        return remove_session(context, *found);
    }
    Session session = *found;
    session.logind_id.clear();
    session.scope.clear();
    context.put(session);
    if (occupies_slot(*found) && !occupies_slot(session)) {
        context.notify(Notice::Kind::released, session, named_reason(session, {}));
        admit_waiting(context, *found);
    }
}

} // namespace sesslimit::core
