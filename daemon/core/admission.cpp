// SPDX-License-Identifier: MIT
// Admission of logins. The functions decide whether a login is admitted or denied, or waits until its user has a free
// session slot (at_limit.cpp).
#include "common/local_login.hpp"
#include "daemon/core/activity.hpp"
#include "daemon/core/deadline.hpp"
#include "daemon/core/decision_context.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace sesslimit::core {
namespace {

/// Reports a denied login on the terminals of the user's sessions. The user learns about it, and a connection whose
/// client is dead gets unacknowledged data. Sessions without limits get no notice, and neither do sessions in which
/// output counts as activity, because the notice would overwrite the time of the last output.
void report_denial(DecisionContext& context, const Session& denied) {
    std::size_t inspected = 0;
    for (const SessionKey key : context.state.of_user(denied.login.uid)) {
        const Session& other = context.state.at(key);
        const bool is_due = other.last_denial_notice_at == BootTime{} ||
                            after(other.last_denial_notice_at, Timeouts::denial_notice_interval) <= context.now;
        if (other.phase != Phase::active || other.graphical || other.terminal == Terminal::none || !is_due ||
            key == denied.key || context.has_record(key)) {
            continue;
        }
        if (++inspected > max_other_sessions) {
            return;
        }
        if (!can_be_displaced(context, other) || is_output_awaited(other, context.limits(other).idle_activity.value)) {
            continue;
        }
        Session notified = other;
        notified.last_denial_notice_at = context.now;
        context.put(notified);
        context.out.effects.emplace_back(ReportDenial{notified, denied});
    }
}

/// Returns the number of sessions of the user, except `session`, that occupy a session slot. If logind already has a
/// session of this login, newer sessions that the PAM module has not reported are not counted. If PAM requests such a
/// newer session later, the decision about that request counts `session` instead.
std::size_t others_of_user(const DecisionContext& context, const Session& session) {
    if (session.logind_id.empty()) {
        return context.state.counted(session.login.uid);
    }
    const auto& keys = context.state.of_user(session.login.uid);
    return static_cast<std::size_t>(std::ranges::count_if(keys, [&](SessionKey key) {
        const Session& other = context.state.at(key);
        return occupies_slot(other) && key != session.key && !(other.adopted && key > session.key);
    }));
}

/// Returns the number of sessions, except `session`, that count toward the shared limit (max_sessions_total) of a
/// policy rule.
std::size_t others_in(const DecisionContext& context, const Session& session, policy::SourceId rule) {
    const Session* counted = context.state.find(session.key);
    const bool counts = counted != nullptr && occupies_slot(*counted) &&
                        std::ranges::find(counted->shared_limits, rule) != counted->shared_limits.end();
    return context.state.counted(rule) - (counts ? 1U : 0U);
}

/// Returns the limit that currently prevents the admission of the login. This is either max_sessions of its user, or
/// the shared limit of a policy rule (max_sessions_total). Returns nothing if no limit is reached.
std::optional<Reason> reached_limit(const DecisionContext& context, const Session& session,
                                    const policy::Limits& limits) {
    if (others_of_user(context, session) >= limits.max_sessions.value) {
        return context.own_limit(limits);
    }
    for (const policy::SharedLimit& total : limits.shared_limits) {
        if (others_in(context, session, total.rule) >= total.most) {
            const std::string& rule = context.policy.sources.at(static_cast<std::size_t>(total.rule)).rule;
            return Reason{.cause = Cause::limit_reached,
                          .count = total.most,
                          .span = {},
                          .by = rule.substr(0, max_by_length),
                          .limit = context.location_of(total.rule, total.line)};
        }
    }
    return std::nullopt;
}

/// Returns the session of the same user that the requesting process has already opened, or null. If such a session
/// exists, the process may only have repeated its earlier request.
const Session* find_previous_request(const DecisionContext& context, const OpenRequested& event) {
    const Session* before = event.leader.pid == 0 ? nullptr : context.state.by_leader(event.leader);
    return before != nullptr && before->login.uid == event.login.uid ? before : nullptr;
}

/// Repeats the answer to an earlier request of the same process, if that answer is still valid. Returns false if a new
/// decision about the login is needed.
bool repeat_answer(DecisionContext& context, const OpenRequested& event, const Session& before) {
    switch (before.phase) {
    case Phase::admitted:
    case Phase::active:
        context.admit(event.request, before, context.limits(before));
        return true;
    case Phase::ending:
        context.deny(event.request, before, context.limits(before));
        return true;
    case Phase::waiting:
    case Phase::asking:
    case Phase::denied:
    case Phase::closed:
    case Phase::left_behind:
        break;
    }
    if (before.request == RequestId::none) {
        return false;
    }
    Session session = before;
    session.request = event.request;
    context.put(session);
    request_more_time(context, session, event.budget);
    return true;
}

/// Returns the time until which a recent logout of the user may still free a session slot. The processes of a session
/// exit shortly after the logout, unless they are left behind.
BootTime logout_settled(const DecisionContext& context, uid_t user) {
    BootTime settled{};
    for (const SessionKey key : context.state.of_user(user)) {
        const Session& other = context.state.at(key);
        if ((other.phase == Phase::closed || other.phase == Phase::left_behind) && occupies_slot(other)) {
            settled = std::max(settled, after(other.logged_out, Timeouts::logout_settle));
        }
    }
    return settled;
}

/// Returns the latest time at which the daemon answers a login.
BootTime latest_answer(const DecisionContext& context, const Session& session) {
    const bool may_ask = session.phase == Phase::waiting && needs_fleet_slot(session, context.limits(session));
    return may_ask ? after(session.answer_by, Timeouts::claim_wait) : session.answer_by;
}

/// Decides about a login. Returns true if a limit of this host is reached, so that the login waits for a free session
/// slot or was denied. Otherwise it was admitted, or the fleet decides.
bool admit_or_deny(DecisionContext& context, Session session, const OpenRequested& event) {
    const policy::Limits limits = context.limits(session);
    if (admit_if_below_limit(context, session, event.request, limits, event.budget)) {
        return false;
    }
    if (const BootTime settled = logout_settled(context, session.login.uid); settled > context.now) {
        begin_waiting(context, session, event.request);
        session.awaits_logout = true;
        session.due = settled;
        context.put(session);
        request_more_time(context, session, event.budget);
        return true;
    }
    handle_limit(context, session, event.request, event.budget);
    return true;
}

/// Decides about a login for which logind already has a session. This happens if pam_sesslimit is called after
/// pam_systemd in the PAM stack.
void decide_adopted(DecisionContext& context, const Session& adopted, const OpenRequested& event) {
    Session session = adopted;
    session.adopted = false;
    session.login = event.login;
    session.last_input = context.now; // the user logs in now, even if logind announced the session long before
    session.idle_warned = unlimited_duration;
    if (admit_or_deny(context, session, event)) {
        admit_waiting(context, adopted); // the session counted until now
    }
}

} // namespace

void begin_waiting(const DecisionContext& context, Session& session, RequestId request) {
    if (session.phase != Phase::waiting) {
        session.answer_by = after(context.now, Timeouts::slot_wait);
    }
    session.phase = Phase::waiting;
    session.request = request;
}

void request_more_time(DecisionContext& context, const Session& session, Duration budget) {
    Session waiting = session;
    waiting.answer_by = latest_answer(context, session);
    if (after(context.now, budget) < after(waiting.answer_by, Timeouts::reply_margin)) {
        context.answer(session.request, Answer::Kind::wait, waiting);
    }
}

void deny(DecisionContext& context, Session session, RequestId request, const Reason& reason) {
    session.phase = Phase::denied;
    session.reason = reason;
    session.stage = TerminationStage::pending;
    context.notify(Notice::Kind::denied, session, session.reason);
    if (reason.cause == Cause::limit_reached || reason.cause == Cause::fleet_limit_reached) {
        report_denial(context, session);
    }
    const policy::Limits limits = context.limits(session);
    context.deny(request, session, limits, limits.message.value);
    session.request = RequestId::none;
    session.answer_by = session.claim_until = never;
    const bool is_local = is_local_login(session.login.tty, session.login.rhost);
    // The module returns after local_denial_delay.
    session.due = after(context.now, Timeouts::denied_login_exit + (is_local ? local_denial_delay : Duration{}));
    // After PAM has denied a login, sshd continues without a shell and still forwards ports. Any PAM stack in which the
    // control of the module is "optional" continues as well, and opens a logind session. The process of the denied
    // login is therefore tracked. The process of another remote service may serve other users, and is not tracked
    // unless it already has a logind session.
    if (session.login.connection.empty() && session.logind_id.empty() && !is_local) {
        context.out.records.emplace_back(Drop{session.key});
    } else {
        context.put(session);
    }
}

void handle_limit(DecisionContext& context, Session session, RequestId request, Duration budget) {
    const Reason reason = denial_reason(context, session);
    std::vector<SessionKey> connections;
    if (reason.by.empty() && context.limits(session).max_sessions.value > 0) {
        connections = displaceable_connections(context, session);
    }
    session.awaits_logout = false;
    if (connections.empty()) {
        return apply_at_limit(context, session, request, reason, budget);
    }
    begin_waiting(context, session, request);
    session.due = session.answer_by;
    context.put(session);
    context.out.effects.emplace_back(CheckConnections{session.key, budget, std::move(connections)});
}

Reason denial_reason(const DecisionContext& context, const Session& session) {
    const policy::Limits limits = context.limits(session);
    return reached_limit(context, session, limits).value_or(context.own_limit(limits));
}

bool admit_if_below_limit(DecisionContext& context, const Session& session, RequestId request,
                          const policy::Limits& limits, Duration budget) {
    if (const auto reason = reached_limit(context, session, limits)) {
        if (limits.mode.value != policy::Mode::observe) {
            return false;
        }
        context.notify(Notice::Kind::would_deny, session, *reason);
    }
    admit_or_ask(context, session, request, limits, budget);
    return true;
}

void apply_at_limit(DecisionContext& context, const Session& session, RequestId request, const Reason& reason,
                    Duration budget) {
    const policy::Limits limits = context.limits(session);
    // If the shared limit of a policy rule is reached, the login is denied. No session is terminated to make room for
    // the login, because that session could belong to another user.
    if (limits.at_limit.value == policy::AtLimit::deny || limits.max_sessions.value == 0 || !reason.by.empty() ||
        apply_displacement_rate(context, session.login)) {
        deny(context, session, request, reason);
    } else {
        wait(context, session, request, budget);
    }
}

void admit(DecisionContext& context, Session session, RequestId request) {
    const policy::Limits limits = context.limits(session);
    session.phase = session.logind_id.empty() ? Phase::admitted : Phase::active;
    session.stage = TerminationStage::pending;
    session.request = RequestId::none;
    session.answer_by = session.claim_until = never;
    session.admitted = context.now;
    if (session.fleet_claim == FleetClaim::asked) {
        session.fleet_claim = FleetClaim::recorded; // the policy does not require an answer any longer
    }
    DecisionContext::count_in(session, limits);
    session.max_duration = limits.max_duration.value;
    session.idle_timeout = limits.idle_timeout.value;
    session.idle_timeout_no_terminal = limits.idle_timeout_no_terminal.value;
    session.due = next_due(session, context.warnings(session, limits));
    context.put(session);
    context.admit(request, session, limits);
    context.notify(Notice::Kind::admitted, session);
    context.request_first_probe(session);
}

void on_open_requested(DecisionContext& context, const OpenRequested& event) {
    if (!policy::counts(context.policy, event.login)) {
        return context.answer(event.request, Answer::Kind::uncounted);
    }
    const Session* before = find_previous_request(context, event);
    if (before != nullptr && before->adopted && before->phase == Phase::active) {
        return decide_adopted(context, *before, event);
    }
    if (before != nullptr) {
        if (repeat_answer(context, event, *before)) {
            return;
        }
        context.out.records.emplace_back(Drop{before->key});
    }
    Session session;
    session.key = context.state.next_key();
    session.login = event.login;
    session.leader = event.leader;
    session.opened = context.now;
    session.last_input = context.now;
    admit_or_deny(context, session, event);
}

} // namespace sesslimit::core
