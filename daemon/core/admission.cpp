// SPDX-License-Identifier: MIT
// Admission of logins. The functions decide whether a login is admitted, is denied, or waits until its user has a free
// session slot.
#include "daemon/core/activity.hpp"
#include "daemon/core/deadline.hpp"
#include "daemon/core/decision_context.hpp"

#include <algorithm>
#include <optional>

namespace sesslimit::core {
namespace {

void deny(DecisionContext& context, Session session, RequestId request, const policy::Limits& limits,
          const Reason& reason) {
    session.phase = Phase::denied;
    session.reason = reason;
    session.stage = TerminationStage::pending;
    session.request = RequestId::none;
    session.answer_by = never;
    session.due = after(context.now, Timeouts::denied_login_exit);
    // After PAM has denied a login, sshd continues without a shell and still forwards ports. The process of the denied
    // login is therefore tracked, and terminated later if it does not exit. A process of another service is only
    // terminated if it has a logind session, because otherwise it may serve other users.
    if (session.login.connection.empty() && session.logind_id.empty()) {
        context.out.records.emplace_back(Drop{session.key});
    } else {
        context.put(session);
    }
    context.out.answers.push_back({request, Answer::Kind::denied, session, limits.message.value});
    context.notify(Notice::Kind::denied, session, session.reason);
}

Reason own_limit(const policy::Limits& limits) {
    return {.cause = Cause::limit_reached, .count = limits.max_sessions.value, .span = {}, .by = {}};
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
        const Session& other = *context.state.find(key);
        return occupies_slot(other.phase) && key != session.key && !(other.adopted && key > session.key);
    }));
}

/// Returns the number of sessions, except `session`, that count toward the shared limit (max_sessions_total) of a
/// policy rule.
std::size_t others_in(const DecisionContext& context, const Session& session, policy::SourceId rule) {
    const Session* counted = context.state.find(session.key);
    const bool counts = counted != nullptr && occupies_slot(counted->phase) &&
                        std::ranges::find(counted->shared_limits, rule) != counted->shared_limits.end();
    return context.state.counted(rule) - (counts ? 1U : 0U);
}

/// Returns the limit that currently prevents the admission of the login. This is either max_sessions of its user, or
/// the shared limit of a policy rule (max_sessions_total). Returns nothing if no limit is reached.
std::optional<Reason> reached_limit(const DecisionContext& context, const Session& session,
                                    const policy::Limits& limits) {
    if (others_of_user(context, session) >= limits.max_sessions.value) {
        return own_limit(limits);
    }
    for (const policy::SharedLimit& total : limits.shared_limits) {
        if (others_in(context, session, total.rule) >= total.most) {
            const std::string& rule = context.policy.sources.at(static_cast<std::size_t>(total.rule)).rule;
            return Reason{
                .cause = Cause::limit_reached, .count = total.most, .span = {}, .by = rule.substr(0, max_by_length)};
        }
    }
    return std::nullopt;
}

void request_more_time(DecisionContext& context, const Session& session, const OpenRequested& event) {
    if (after(context.now, event.budget) < after(session.answer_by, Timeouts::reply_margin)) {
        context.answer(event.request, Answer::Kind::wait, session);
    }
}

void wait(DecisionContext& context, Session session, const OpenRequested& event) {
    session.phase = Phase::waiting;
    session.request = event.request;
    session.answer_by = after(context.now, Timeouts::slot_wait);
    session.due = context.now;
    // All active sessions of the user are probed for activity, to find the session that has been idle the longest. The
    // probe of a graphical session is a query to logind, so the login waits for Timeouts::notice_display.
    for (const SessionKey key : context.state.of_user(session.login.uid)) {
        const Session& other = *context.state.find(key);
        if (other.phase == Phase::active && context.now - other.last_sample.at >= shortest_window) {
            context.out.effects.emplace_back(ProbeActivity{key});
            session.due = other.graphical ? after(context.now, Timeouts::notice_display) : session.due;
        }
    }
    context.put(session);
    request_more_time(context, session, event);
}

/// Returns true if the last activity of the session is known well enough to decide whether the session is terminated in
/// favor of the login `waiting`. For an active session, this requires a successful activity probe after the request of
/// that login, or less than shortest_window before the request.
bool is_use_known(const Session& session, const Session& waiting) {
    return session.phase != Phase::active || after(session.last_sample.at, shortest_window) > waiting.opened;
}

/// Returns true if the session has not been used since `time`. Returns false if that is not known well enough to
/// terminate the session in favor of the login `waiting`.
bool is_idle_since(const Session& session, const Session& waiting, BootTime time) {
    if (session.phase != Phase::active || !is_use_known(session, waiting)) {
        return false;
    }
    // When the screen of a session is locked, the session has been idle for its idle limit, and last_input becomes the
    // time of the lock.
    const Duration before_lock = session.idle_warned == screen_locked ? idle_limit(session) : Duration{};
    return session.last_input - before_lock <= time && session.perhaps_used <= time;
}

/// Returns true if an open session may be terminated in favor of a newer login of its user. A limit must apply to the
/// session, and must be enforced instead of only observed. Returns false while the daemon waits for logind's answer
/// whether the session was logged out.
bool can_be_displaced(const DecisionContext& context, const Session& session) {
    const policy::Limits limits = context.limits(session);
    return limits.mode.value == policy::Mode::enforce && !policy::is_unlimited(limits) &&
           session.logout_check == LogoutCheck::none;
}

/// Returns the sessions that may be terminated, and the older waiting logins that may be denied, so that the login
/// `waiting` gets a session slot of its user. The list is sorted by the order of termination or denial, as defined by
/// the setting at_limit.
///
/// With at_limit = "end-idlest", the list ends before the first session whose last activity is unknown. Such a session
/// could have been used recently, so it must not be terminated for being idle the longest.
///
/// With displace_idle, the list contains only sessions that are known to have been idle for that time. It contains no
/// waiting logins, because they have just arrived.
std::vector<const Session*> displacement_candidates(const DecisionContext& context, const Session& waiting,
                                                    const policy::Limits& limits) {
    std::vector<const Session*> candidates;
    for (const SessionKey key : context.state.of_user(waiting.login.uid)) {
        const Session* other = context.state.find(key);
        const bool open = other->phase == Phase::active || other->phase == Phase::admitted;
        const bool before = other->phase == Phase::waiting && key < waiting.key;
        if (before || (open && can_be_displaced(context, *other))) {
            candidates.push_back(other);
        }
    }
    const bool by_use = limits.at_limit.value == policy::AtLimit::end_idlest;
    // After the daemon has locked the screen of a session, last_input is the time of the lock, and the user's last
    // activity was earlier. A session with a locked screen is therefore sorted as if it had been idle the longest.
    std::ranges::stable_sort(candidates, {}, [by_use](const Session* session) {
        return std::pair(!by_use || session->idle_warned != screen_locked,
                         by_use ? session->last_input : session->opened);
    });
    if (by_use) {
        const auto known = [&waiting](const Session* session) { return is_use_known(*session, waiting); };
        candidates.erase(std::ranges::find_if_not(candidates, known), candidates.end());
    }
    if (const Duration idle = limits.displace_idle.value.time; idle > Duration{}) {
        std::erase_if(candidates,
                      [&](const Session* session) { return !is_idle_since(*session, waiting, context.now - idle); });
    }
    return candidates;
}

/// Returns true if logind has not yet answered whether a graphical session of the user is idle (IdleHint).
bool is_hint_awaited(const DecisionContext& context, const Session& waiting) {
    return std::ranges::any_of(context.state.of_user(waiting.login.uid), [&](SessionKey key) {
        const Session& other = *context.state.find(key);
        return other.graphical && !other.probe_failed && !is_use_known(other, waiting);
    });
}

/// Returns how many open sessions must be terminated, or older waiting logins denied, so that the login `waiting` can
/// be admitted. Sessions whose termination has already begun are not included in the number. An older waiting login of
/// the same user counts as if it had a session slot.
std::size_t slots_needed(const DecisionContext& context, const Session& waiting, policy::Count most) {
    std::size_t wanted = 1;
    for (const SessionKey key : context.state.of_user(waiting.login.uid)) {
        const Session* other = context.state.find(key);
        const bool before = other->phase == Phase::waiting && key < waiting.key;
        const bool open = occupies_slot(other->phase) && other->phase != Phase::ending;
        wanted += before || open ? 1U : 0U;
    }
    return wanted > most ? wanted - most : 0;
}

/// Frees a session slot for the newer login `newcomer`. Terminates the session `candidate`, or denies its login if the
/// login waits for a session slot. If many logins of a user arrive together, only the newest logins are therefore
/// admitted.
void displace(DecisionContext& context, const Session& candidate, const Session& newcomer, policy::Count most) {
    const Reason reason{.cause = Cause::displaced, .count = most, .span = {}, .by = newcomer.login.rhost};
    if (candidate.phase == Phase::waiting) {
        return deny(context, candidate, candidate.request, context.limits(candidate), reason);
    }
    begin_termination(context, candidate, reason);
}

/// Returns the session of the same user that the requesting process has already opened, or null. If such a session
/// exists, the process may only have repeated its earlier request.
const Session* find_previous_request(const DecisionContext& context, const OpenRequested& event) {
    const Session* before = event.leader.pid == 0 ? nullptr : context.state.by_leader(event.leader);
    return before != nullptr && before->login.uid == event.login.uid ? before : nullptr;
}

/// Admits the login if no limit is reached, or if the limits that apply to the login are only observed (mode =
/// "observe"). Returns false if the login was not admitted.
bool admit_if_below_limit(DecisionContext& context, const Session& session, RequestId request,
                          const policy::Limits& limits) {
    if (const auto reason = reached_limit(context, session, limits)) {
        if (limits.mode.value != policy::Mode::observe) {
            return false;
        }
        context.notify(Notice::Kind::would_deny, session, *reason);
    }
    admit(context, session, request);
    return true;
}

/// Repeats the answer to an earlier request of the same process, if that answer is still valid. Returns false if a new
/// decision about the login is needed.
bool repeat_answer(DecisionContext& context, const OpenRequested& event, const Session& before) {
    switch (before.phase) {
    case Phase::admitted:
    case Phase::active:
        context.admit(event.request, before, context.limits(before));
        return true;
    case Phase::waiting: {
        Session session = before;
        session.request = event.request;
        context.put(session);
        request_more_time(context, session, event);
        return true;
    }
    case Phase::ending:
        context.answer(event.request, Answer::Kind::denied, before);
        return true;
    case Phase::denied:
    case Phase::closed:
        break;
    }
    return false;
}

/// Admits a login, lets the login wait for a free session slot, or denies it. Returns false if the login was admitted,
/// and true if it waits or was denied.
bool admit_or_deny(DecisionContext& context, const Session& session, const OpenRequested& event) {
    const policy::Limits limits = context.limits(session);
    if (admit_if_below_limit(context, session, event.request, limits)) {
        return false;
    }
    // If the shared limit of a policy rule is reached, the login is denied. No session is terminated to make room for
    // the login, because that session could belong to another user.
    const Reason reason = reached_limit(context, session, limits).value_or(own_limit(limits));
    if (limits.at_limit.value == policy::AtLimit::deny || limits.max_sessions.value == 0 || !reason.by.empty()) {
        deny(context, session, event.request, limits, reason);
    } else {
        wait(context, session, event);
    }
    return true;
}

/// Decides about a login for which logind already has a session. This happens if pam_sesslimit is called after
/// pam_systemd in the PAM stack.
void decide_adopted(DecisionContext& context, const Session& adopted, const OpenRequested& event) {
    Session session = adopted;
    session.adopted = false;
    session.login = event.login;
    if (admit_or_deny(context, session, event)) {
        admit_waiting(context, adopted); // the session counted until now
    }
}

} // namespace

void admit(DecisionContext& context, Session session, RequestId request) {
    const policy::Limits limits = context.limits(session);
    session.phase = session.logind_id.empty() ? Phase::admitted : Phase::active;
    session.stage = TerminationStage::pending;
    session.request = RequestId::none;
    session.answer_by = never;
    session.admitted = context.now;
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

void continue_waiting(DecisionContext& context, Session session) {
    const policy::Limits limits = context.limits(session);
    const policy::Count most = limits.max_sessions.value;
    if (admit_if_below_limit(context, session, session.request, limits)) {
        return;
    }
    const std::size_t missing = slots_needed(context, session, most);
    const std::vector<const Session*> candidates = displacement_candidates(context, session, limits);
    // With displace_idle, a session that is awaited could be displaced before the other candidates.
    const bool is_order_open = missing > candidates.size() || limits.displace_idle.value.time > Duration{};
    if (missing > 0 && is_order_open && policy::displaces_by_activity(limits) && context.now < session.answer_by &&
        is_hint_awaited(context, session)) {
        session.due = std::min(session.answer_by, after(context.now, Timeouts::notice_display));
        return context.put(session);
    }
    // If not enough sessions can be terminated for the login, the login is denied, and no other session is terminated.
    if (context.now >= session.answer_by || limits.at_limit.value == policy::AtLimit::deny ||
        missing > candidates.size()) {
        return deny(context, session, session.request, limits,
                    reached_limit(context, session, limits).value_or(own_limit(limits)));
    }
    for (std::size_t at = 0; at < missing; ++at) {
        displace(context, *candidates[at], session, most);
    }
    session.due = session.answer_by;
    context.put(session);
}

} // namespace sesslimit::core
