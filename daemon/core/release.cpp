// SPDX-License-Identifier: MIT
#include "daemon/core/decision_context.hpp"

#include <algorithm>
#include <map>

namespace sesslimit::core {

Reason named_reason(const Session& session, const Reason& reason) {
    const bool can_be_stop = reason.cause == Cause::none || reason.cause == Cause::leader_gone;
    if (session.idle_stop == Duration{} || !can_be_stop) {
        return reason;
    }
    return {.cause = Cause::logind_idle, .count = 0, .span = session.idle_stop, .by = {}};
}

const Session* closed_session(const State& state, const CloseRequested& event) {
    const Session* session = state.find(event.session);
    return session == nullptr && event.leader.pid != 0 ? state.by_leader(event.leader) : session;
}

void on_close_requested(DecisionContext& context, const CloseRequested& event) {
    const Session* session = closed_session(context.state, event);
    context.answer(event.request, Answer::Kind::noted);
    if (session == nullptr || (session->phase != Phase::admitted && session->phase != Phase::active)) {
        return; // a session that is being terminated occupies its session slot until all of its processes have exited
    }
    Session closed = *session;
    closed.logged_out = context.now;
    closed.idle_stop = event.idle_stop.value_or(Duration{});
    if (closed.leader.pid == 0) {
        return leave_behind(context, closed);
    }
    closed.phase = Phase::closed;
    closed.due = never;
    // A closed session is tracked until the process that opened it exits. Otherwise a later report of logind about the
    // session would appear to be a new session.
    context.put(closed);
    if (!occupies_slot(closed)) {
        context.notify(Notice::Kind::released, closed, named_reason(closed, {}));
        admit_waiting(context, closed);
    }
}

void on_request_aborted(DecisionContext& context, const RequestAborted& event) {
    const Session* found = context.state.by_request(event.request);
    if (found == nullptr) {
        return;
    }
    if (found->logind_id.empty()) {
        return remove_session(context, *found);
    }
    // The PAM module disconnected before it received an answer, but the login may continue. The session that logind
    // already has for the login is therefore counted as a session of the user.
    Session session = *found;
    session.phase = Phase::active;
    session.adopted = true;
    session.request = RequestId::none;
    session.answer_by = session.claim_until = never;
    if (session.fleet_claim == FleetClaim::asked) {
        session.fleet_claim = FleetClaim::recorded;
    }
    reapply_policy(context, session, true);
    context.put(session);
}

void remove_session(DecisionContext& context, const Session& session) {
    context.out.records.emplace_back(Drop{session.key});
    // If the daemon has not begun to stop the session (stage pending), the session exited by itself.
    const bool ended = session.phase == Phase::ending && session.stage != TerminationStage::pending;
    // A login that asks the fleet was not admitted, although it occupies a slot.
    if (session.phase != Phase::asking && (ended || occupies_slot(session))) {
        context.notify(ended ? Notice::Kind::ended : Notice::Kind::released, session,
                       named_reason(session, ended ? session.reason : Reason{}));
    }
    if (occupies_slot(session)) {
        admit_waiting(context, session);
    }
}

void admit_waiting(DecisionContext& context, const Session& left) {
    const std::size_t counted = context.state.counted(left.login.uid);
    std::size_t taken = counted - std::min<std::size_t>(counted, 1);
    // Number of logins that this decision has already admitted, for each policy rule with a shared limit.
    std::map<policy::SourceId, std::size_t> admitted;
    const auto is_full = [&](const policy::SharedLimit& total) {
        const auto leave = static_cast<std::size_t>(std::ranges::count(left.shared_limits, total.rule));
        return context.state.counted(total.rule) + admitted[total.rule] >= total.most + leave;
    };
    for (const SessionKey key : context.state.of_user(left.login.uid)) {
        const Session& session = context.state.at(key);
        if (session.phase != Phase::waiting) {
            continue;
        }
        const policy::Limits limits = context.limits(session);
        if (taken < limits.max_sessions.value && std::ranges::none_of(limits.shared_limits, is_full)) {
            if (!admit_or_ask(context, session, session.request, limits, unlimited_duration)) {
                continue;
            }
            ++taken;
            for (const policy::SharedLimit& total : limits.shared_limits) {
                ++admitted[total.rule];
            }
        }
    }
}

} // namespace sesslimit::core
