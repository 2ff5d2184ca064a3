// SPDX-License-Identifier: MIT
// Logins at the limit of their user. A login waits while sessions of the user, which give way to it, are terminated.
#include "daemon/core/activity.hpp"
#include "daemon/core/deadline.hpp"
#include "daemon/core/decision_context.hpp"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

namespace sesslimit::core {
namespace {

/// Returns true if the last activity of the session is known well enough to decide whether the session is terminated in
/// favor of the login `waiting`. For a session that is probed, this requires a successful activity probe after the
/// request of that login, or less than shortest_window before the request.
bool is_use_known(const Session& session, const Session& waiting) {
    return !is_probed(session) || after(session.last_sample.at, shortest_window) > waiting.opened;
}

/// Returns true if the session has not been used since `time`. Returns false if that is not known well enough to
/// terminate the session in favor of the login `waiting`.
bool is_idle_since(const Session& session, const Session& waiting, BootTime time) {
    if (!is_probed(session) || !is_use_known(session, waiting)) {
        return false;
    }
    // When the screen of a session is locked, the session has been idle for its idle limit, and last_input becomes the
    // time of the lock.
    const Duration before_lock = session.idle_warned == screen_locked ? idle_limit(session) : Duration{};
    return last_use_of(session) - before_lock <= time && session.perhaps_used <= time;
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
        const Session& other = context.state.at(key);
        const bool open = occupies_slot(other) && other.phase != Phase::ending;
        const bool before = other.phase == Phase::waiting && key < waiting.key;
        if (before || (open && can_be_displaced(context, other))) {
            candidates.push_back(&other);
        }
    }
    const bool by_use = limits.at_limit.value == policy::AtLimit::end_idlest;
    // After the daemon has locked the screen of a session, last_input is the time of the lock, and the user's last
    // activity was earlier. A session with a locked screen is therefore sorted as if it had been idle the longest.
    std::ranges::stable_sort(candidates, {}, [by_use](const Session* session) {
        return std::pair(!by_use || session->idle_warned != screen_locked,
                         by_use ? last_use_of(*session) : session->opened);
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

/// Returns true if an activity probe of a session of the user has not been answered yet.
bool is_probe_awaited(const DecisionContext& context, const Session& waiting) {
    return std::ranges::any_of(context.state.of_user(waiting.login.uid), [&](SessionKey key) {
        const Session& other = context.state.at(key);
        return occupies_slot(other) && !other.probe_failed && !is_use_known(other, waiting);
    });
}

/// Returns how many open sessions must be terminated, or older waiting logins denied, so that the login `waiting` can
/// be admitted. Sessions whose termination has already begun are not included in the number. An older waiting login of
/// the same user counts as if it had a session slot.
std::size_t slots_needed(const DecisionContext& context, const Session& waiting, policy::Count most) {
    std::size_t wanted = 1;
    for (const SessionKey key : context.state.of_user(waiting.login.uid)) {
        const Session& other = context.state.at(key);
        const bool before = other.phase == Phase::waiting && key < waiting.key;
        const bool open = occupies_slot(other) && other.phase != Phase::ending;
        wanted += before || open ? 1U : 0U;
    }
    return wanted > most ? wanted - most : 0;
}

/// Counts the displacement of `number` sessions by the login `newcomer`.
void count_displacements(DecisionContext& context, const Session& newcomer, std::size_t number) {
    Displacements displacements = context.state.displacements_of(newcomer.login.uid);
    bool exceeded = false;
    for (std::size_t at = 0; at < number; ++at) {
        exceeded = displacements.add(newcomer.login.rhost, context.now) || exceeded;
    }
    context.out.records.emplace_back(PutDisplacements{newcomer.login.uid, std::move(displacements)});
    if (exceeded) {
        context.notify(Notice::Kind::displacement_limited, newcomer);
    }
}

/// Frees a session slot for the newer login `newcomer`. Terminates the session `candidate`, or denies its login if the
/// login waits for a session slot. If many logins of a user arrive together, only the newest logins are therefore
/// admitted. `limits` are those of the newcomer.
void displace(DecisionContext& context, const Session& candidate, const Session& newcomer,
              const policy::Limits& limits) {
    const Reason reason{.cause = Cause::displaced,
                        .count = limits.max_sessions.value,
                        .span = {},
                        .by = newcomer.login.rhost,
                        .limit = context.location_of(limits.max_sessions)};
    if (candidate.phase == Phase::waiting || candidate.phase == Phase::asking) {
        return deny(context, candidate, candidate.request, reason);
    }
    begin_termination(context, candidate, reason);
}

/// Claims a slot of the fleet for a login, before a session is displaced for it. Returns true if the login waits for
/// the answer, or was denied.
bool asks_fleet_first(DecisionContext& context, Session& session, const policy::Limits& limits,
                      Duration budget = unlimited_duration) {
    if (const auto reason = obtain_fleet_slot(context, session, limits)) {
        deny(context, session, session.request, *reason);
        return true;
    }
    if (session.fleet_claim != FleetClaim::asked) {
        return false;
    }
    session.due = session.claim_until;
    context.put(session);
    request_more_time(context, session, budget);
    return true;
}

} // namespace

bool can_be_displaced(const DecisionContext& context, const Session& session) {
    const policy::Limits limits = context.limits(session);
    return limits.mode.value == policy::Mode::enforce && !policy::is_unlimited(limits) &&
           session.logout_check == LogoutCheck::none;
}

std::vector<SessionKey> displaceable_connections(const DecisionContext& context, const Session& newcomer) {
    std::vector<SessionKey> connections;
    for (const SessionKey key : context.state.of_user(newcomer.login.uid)) {
        const Session& other = context.state.at(key);
        if (other.phase == Phase::active && key != newcomer.key && !other.login.connection.empty() &&
            connections.size() < max_other_sessions && can_be_displaced(context, other)) {
            connections.push_back(key);
        }
    }
    return connections;
}

bool apply_displacement_rate(DecisionContext& context, const Login& login) {
    Displacements displacements = context.state.displacements_of(login.uid);
    if (!displacements.is_limited(login.rhost, context.now)) {
        return false;
    }
    displacements.prolong(context.now);
    context.out.records.emplace_back(PutDisplacements{login.uid, std::move(displacements)});
    return true;
}

void wait(DecisionContext& context, Session session, RequestId request, Duration budget) {
    begin_waiting(context, session, request);
    session.due = context.now;
    // All sessions of the user that occupy a slot are probed for activity, to find the session that has been idle the
    // longest. The probes are answered later (on_activity_probed).
    const bool awaits = policy::displaces_by_activity(context.limits(session));
    for (const SessionKey key : context.state.of_user(session.login.uid)) {
        const Session& other = context.state.at(key);
        if (is_probed(other) && occupies_slot(other) && context.now - other.last_sample.at >= shortest_window) {
            context.out.effects.emplace_back(ProbeActivity{key});
            session.due = awaits ? after(context.now, Timeouts::notice_display) : session.due;
        }
    }
    context.put(session);
    request_more_time(context, session, budget);
}

void continue_waiting(DecisionContext& context, Session session) {
    if (session.fleet_claim == FleetClaim::asked) {
        return continue_asking(context, session);
    }
    const policy::Limits limits = context.limits(session);
    const policy::Count most = limits.max_sessions.value;
    if (admit_if_below_limit(context, session, session.request, limits, unlimited_duration)) {
        return; // the module has been told to wait
    }
    if (session.awaits_logout) {
        return handle_limit(context, session, session.request, unlimited_duration);
    }
    const std::size_t missing = slots_needed(context, session, most);
    const std::vector<const Session*> candidates = displacement_candidates(context, session, limits);
    // With displace_idle, a session that is awaited could be displaced before the other candidates.
    const bool is_order_open = missing > candidates.size() || limits.displace_idle.value.time > Duration{};
    if (missing > 0 && is_order_open && policy::displaces_by_activity(limits) && context.now < session.answer_by &&
        is_probe_awaited(context, session)) {
        session.due = std::min(session.answer_by, after(context.now, Timeouts::notice_display));
        return context.put(session);
    }
    // If not enough sessions can be terminated for the login, the login is denied, and no other session is terminated.
    const bool must_stay = limits.at_limit.value == policy::AtLimit::deny || missing > candidates.size();
    if (context.now >= session.answer_by ||
        (missing > 0 && (must_stay || apply_displacement_rate(context, session.login)))) {
        return deny(context, session, session.request, denial_reason(context, session));
    }
    if (missing > 0 && asks_fleet_first(context, session, limits)) {
        return;
    }
    std::size_t sessions = 0;
    session.due = session.answer_by;
    for (std::size_t at = 0; at < missing; ++at) {
        const Phase phase = candidates[at]->phase;
        sessions += phase == Phase::waiting || phase == Phase::asking ? 0U : 1U;
        displace(context, *candidates[at], session, limits);
        if (phase == Phase::asking) {
            session.due = context.now; // its slot is free now
        }
    }
    if (sessions > 0) {
        count_displacements(context, session, sessions);
    }
    context.put(session);
}

void on_connections_checked(DecisionContext& context, const ConnectionsChecked& event) {
    const Session* found = context.state.find(event.waiting);
    if (found != nullptr && found->phase == Phase::asking) {
        return request_more_time(context, *found, event.budget); // another session has left in the meantime
    }
    if (found == nullptr || found->phase != Phase::waiting || found->fleet_claim == FleetClaim::asked) {
        return;
    }
    Session session = *found;
    const policy::Limits limits = context.limits(session);
    if (admit_if_below_limit(context, session, session.request, limits, event.budget)) {
        return;
    }
    std::vector<ConnectionsChecked::Connection> dead;
    for (const ConnectionsChecked::Connection& connection : event.connections) {
        const Session* other = context.state.find(connection.session);
        if (connection.unacknowledged >= Timeouts::dead_peer && other != nullptr && other->phase == Phase::active &&
            can_be_displaced(context, *other)) {
            dead.push_back(connection);
        }
    }
    const Reason reason = denial_reason(context, session);
    const std::size_t missing = slots_needed(context, session, limits.max_sessions.value);
    if (missing == 0 || dead.size() < missing || !reason.by.empty()) {
        return apply_at_limit(context, session, session.request, reason, event.budget);
    }
    if (asks_fleet_first(context, session, limits, event.budget)) {
        return;
    }
    std::ranges::stable_sort(dead, std::greater(), &ConnectionsChecked::Connection::unacknowledged);
    for (std::size_t at = 0; at < missing; ++at) {
        displace(context, context.state.at(dead[at].session), session, limits);
    }
    session.due = session.answer_by;
    context.put(session);
    request_more_time(context, session, event.budget);
}

} // namespace sesslimit::core
