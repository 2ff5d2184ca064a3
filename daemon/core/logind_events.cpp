// SPDX-License-Identifier: MIT
// What is really there: leaders, logind's sessions, and what the ledger remembers of both.
#include "daemon/core/deadline.hpp"
#include "daemon/core/decision_context.hpp"

#include <algorithm>

namespace sesslimit::core {
namespace {

/// Handles a session whose leader has exited without a logout: what is left of it is terminated if a limit applies.
/// Otherwise it stays open, and is counted until logind removes it.
void on_leader_lost(Turn& turn, Session session) {
    const policy::Limits limits = turn.limits(session);
    session.logout_check = LogoutCheck::none;
    if (!policy::is_unlimited(limits)) {
        return begin_end(turn, session, {.cause = Cause::leader_gone, .count = 0, .span = {}, .by = {}});
    }
    session.due = next_due(session, turn.warnings(session, limits));
    turn.put(session);
}

void adopt(Turn& turn, const LogindSession& seen) {
    if (seen.closing || !is_login_class(seen.session_class) || !policy::counts(turn.policy, seen.login)) {
        return;
    }
    Session session;
    session.key = turn.state.next_key();
    session.phase = Phase::live;
    session.adopted = true;
    session.login = seen.login;
    session.leader = seen.leader;
    session.logind_id = seen.id;
    session.scope = seen.scope;
    session.graphical = seen.graphical;
    session.opened = std::min(seen.opened, turn.now);
    session.last_input = session.opened;
    review(turn, session, true);
    if (session.leader.pid == 0 && !policy::is_unlimited(turn.limits(session))) {
        return on_leader_lost(turn, session);
    }
    turn.put(session);
    turn.tell(Notice::Kind::adopted, session);
    look_first(turn, session);
}

/// logind shows the session of a leader that PAM told us of.
void join(Turn& turn, const Session& known, const LogindSession& seen) {
    Session session = known;
    session.logind_id = seen.id;
    session.scope = seen.scope;
    session.graphical = seen.graphical;
    switch (known.phase) {
    case Phase::reserved:
        if (!is_login_class(seen.session_class)) {
            session.phase = Phase::released; // a greeter, a lock screen, a background job: it never was a session
            session.due = never;
            turn.put(session);
            return fill_places(turn, session);
        }
        session.phase = Phase::live;
        session.due =
            next_due(session, turn.warnings(session, turn.limits(session))); // its idleness counts from now on
        turn.put(session);
        return look_first(turn, session);
    case Phase::ending:
        if (session.stage != Stage::none) {
            session.stage = Stage::told; // what was asked of its leader alone is now asked of all of it
            session.due = turn.now;
        }
        return turn.put(session);
    case Phase::refused: // the PAM stack went on after the denial: evict() terminates it once its user could read why
    case Phase::waiting:
    case Phase::live:
    case Phase::released:
        return turn.put(session);
    }
}

} // namespace

bool release_uncounted(Turn& turn, Session session) {
    if (policy::counts(turn.policy, session.login)) {
        return false;
    }
    session.phase = Phase::released;
    session.due = never;
    if (session.leader.pid == 0) {
        forget(turn, session);
    } else {
        turn.put(session);
    }
    return true;
}

void settle(Turn& turn, const Session& session, const Session& before) {
    const bool enforced_now = before.observed && !session.observed;
    const bool is_lost = session.leader.pid == 0 && session.logout_check == LogoutCheck::none;
    if (session.phase == Phase::live && is_lost && enforced_now) {
        return on_leader_lost(turn, session);
    }
    turn.put(session);
}

void check_logout(Turn& turn, Session session) {
    session.logout_check = std::max(session.logout_check, LogoutCheck::first);
    session.due = after(turn.now, Patience::looking);
    turn.out.effects.emplace_back(CheckLogout{session.key, session.logind_id});
    turn.put(session);
}

void on_leader_exited(Turn& turn, const LeaderExited& event) {
    const Session* found = turn.state.find(event.session);
    if (found == nullptr) {
        return;
    }
    Session session = *found;
    session.leader = {};
    switch (session.phase) {
    case Phase::waiting:
    case Phase::reserved:
    case Phase::refused:
    case Phase::released:
        return forget(turn, session);
    case Phase::live:
        // No pam_close_session of an adopted session reaches the daemon: only logind can tell a logout.
        return session.adopted ? check_logout(turn, session) : on_leader_lost(turn, session);
    case Phase::ending:
        if (session.stage == Stage::none || session.stage == Stage::told) {
            session.due = turn.now; // nobody is left to read anything
        }
        return session.logind_id.empty() ? forget(turn, session) : turn.put(session);
    }
}

void on_logout_checked(Turn& turn, const LogoutChecked& event) {
    const Session* session = turn.state.find(event.session);
    const bool is_asked =
        session != nullptr && session->phase == Phase::live && session->logout_check != LogoutCheck::none;
    if (!is_asked || event.state == LogoutChecked::State::unknown) {
        return; // without an answer, logind is asked again when the session is due
    }
    if (event.state == LogoutChecked::State::closing) {
        return forget(turn, *session);
    }
    if (session->logout_check == LogoutCheck::second) {
        return on_leader_lost(turn, *session);
    }
    Session again = *session;
    again.logout_check = LogoutCheck::second;
    again.due = after(turn.now, Patience::leftovers);
    turn.put(again);
}

void on_logind_session_new(Turn& turn, const LogindSessionNew& event) {
    const LogindSession& seen = event.session;
    const Session* known = turn.state.by_logind(seen.id);
    if (known != nullptr) {
        // Its leader exited before the daemon was restarted, and the answer to CheckLogout was lost.
        const bool logged_out = known->phase == Phase::live && known->adopted && known->leader.pid == 0 && seen.closing;
        return logged_out ? forget(turn, *known) : void();
    }
    known = seen.leader.pid == 0 ? nullptr : turn.state.by_leader(seen.leader);
    if (known != nullptr && known->logind_id.empty()) {
        return join(turn, *known, seen);
    }
    adopt(turn, seen);
}

void on_logind_session_removed(Turn& turn, const LogindSessionRemoved& event) {
    const Session* found = turn.state.by_logind(event.id);
    if (found == nullptr) {
        return;
    }
    if (found->leader.pid == 0 || takes_a_place(found->phase)) {
        return forget(turn, *found);
    }
    Session session = *found;
    session.logind_id.clear();
    session.scope.clear();
    turn.put(session);
}

void on_session_restored(Turn& turn, const SessionRestored& event) {
    Session session = event.session;
    session.request = RequestId::none;
    session.opened = std::min(session.opened, turn.now);
    session.last_input = std::min(session.last_input, turn.now);
    session.seen.at = std::min(session.seen.at, turn.now);
    switch (session.phase) {
    case Phase::waiting:
        turn.out.records.emplace_back(Drop{session.key}); // its asker lost the connection, and asks again
        return;
    case Phase::reserved:
    case Phase::live:
        if (event.leader_gone) {
            // It may have logged out properly, and what it left running is nobody's business then. Only logind knows:
            // where it did not, logind shows the session once more.
            return forget(turn, session);
        }
        if (release_uncounted(turn, session)) {
            return;
        }
        review(turn, session, false);
        return settle(turn, session, event.session);
    case Phase::ending:
        Turn::count_in(session, turn.limits(session));
        break;
    case Phase::refused:
    case Phase::released:
        break;
    }
    turn.put(session);
}

} // namespace sesslimit::core
