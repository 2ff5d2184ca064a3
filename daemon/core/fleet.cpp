// SPDX-License-Identifier: MIT
// Limits on the sessions of a user on all hosts of a fleet (setting max_sessions_fleet).
#include "common/user_ref.hpp"
#include "daemon/core/decision_context.hpp"
#include "daemon/policy/match.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace sesslimit::core {
namespace {

/// User ID of the person who has requested a termination on another host. No user has this ID.
constexpr std::uint32_t unknown_user = std::numeric_limits<std::uint32_t>::max();

/// Returns true if the limit of the fleet applies to a login.
bool is_fleet_limited(const Session& session, const policy::Limits& limits) {
    return limits.max_sessions_fleet.value != policy::unlimited_count && session.login.uid != 0 &&
           limits.mode.value == policy::Mode::enforce;
}

/// Returns the claim that belongs to the state of a session.
FleetClaim claim_of(const Session& session) {
    const bool keeps_claim = session.phase == Phase::waiting && session.fleet_claim != FleetClaim::none;
    if (session.fleet_limit == 0 || (!occupies_slot(session) && !keeps_claim)) {
        return FleetClaim::none;
    }
    if (session.fleet_claim != FleetClaim::none) {
        return session.fleet_claim;
    }
    return session.phase == Phase::asking ? FleetClaim::asked : FleetClaim::recorded;
}

/// Returns true if the session has a slot of the fleet, as far as this host knows.
bool has_fleet_slot(const Session& session) {
    const FleetClaim claim = claim_of(session);
    return claim == FleetClaim::recorded || claim == FleetClaim::granted;
}

/// Returns the number of other sessions of the user on this host that have a slot of the fleet, after the records of
/// the decision.
std::size_t others_with_fleet_slot(const DecisionContext& context, const Session& session) {
    const auto& keys = context.state.of_user(session.login.uid);
    const auto in_state = std::ranges::count_if(keys, [&](SessionKey key) {
        return key != session.key && !context.has_record(key) && has_fleet_slot(context.state.at(key));
    });
    const auto in_decision = std::ranges::count_if(context.out.records, [&](const Record& record) {
        const auto* put = std::get_if<Put>(&record);
        return put != nullptr && put->session.key != session.key && put->session.login.uid == session.login.uid &&
               has_fleet_slot(put->session);
    });
    return static_cast<std::size_t>(in_state + in_decision);
}

/// Decides about a login that needs a slot of the fleet without an answer of the fleet. Returns the reason if the login
/// must be denied.
std::optional<Reason> decide_alone(DecisionContext& context, Session& session, const policy::Limits& limits) {
    if (limits.on_fleet_error.value == policy::OnFleetError::deny) {
        return context.fleet_limit(limits, Cause::fleet_unavailable);
    }
    // The fleet may have reported that the session is beyond the limit before it stopped answering.
    if (session.is_beyond_fleet_limit || others_with_fleet_slot(context, session) >= limits.max_sessions_fleet.value) {
        return context.fleet_limit(limits);
    }
    session.fleet_claim = FleetClaim::granted;
    context.notify(Notice::Kind::fleet_unsure, session, context.fleet_limit(limits, Cause::fleet_unavailable));
    return std::nullopt;
}

/// Denies a login that the fleet or this host has decided against. If the login occupied a session slot of this host,
/// the slot goes to the login of the same user that has waited the longest.
void refuse(DecisionContext& context, const Session& session, RequestId request, const Reason& reason) {
    deny(context, session, request, reason);
    const Session* counted = context.state.find(session.key);
    if (counted != nullptr && occupies_slot(*counted)) {
        admit_waiting(context, *counted);
    }
}

/// Continues with a login that does not wait for the answer of the fleet any longer. The time of its claim does not
/// reduce the time for which it waits for a session slot of this host.
void resume(DecisionContext& context, Session session, const policy::Limits& limits) {
    if (session.phase == Phase::asking) {
        return admit(context, session, session.request);
    }
    const Duration asked = context.now - session.claim_until + Timeouts::claim_wait;
    session.answer_by = after(session.answer_by, std::clamp<Duration>(asked, Duration{}, Timeouts::claim_wait));
    session.claim_until = never;
    if (!admit_if_below_limit(context, session, session.request, limits, unlimited_duration)) {
        handle_limit(context, session, session.request, unlimited_duration);
    }
}

/// Decides about a login whose claim was not answered.
void on_no_answer(DecisionContext& context, Session session, const policy::Limits& limits) {
    if (const auto reason = decide_alone(context, session, limits)) {
        return refuse(context, session, session.request, *reason);
    }
    context.out.effects.emplace_back(ListInFleet{session.key});
    resume(context, session, limits);
}

/// Adds the effect that makes the claim of a session known to the fleet.
void settle_claim(DecisionContext& context, SessionKey key, FleetClaim before, FleetClaim claim) {
    auto& effects = context.out.effects;
    if (claim == FleetClaim::none) {
        effects.emplace_back(ReleaseFleetSlot{key});
    } else if (claim == FleetClaim::asked) {
        effects.emplace_back(ClaimFleetSlot{key, true});
    } else if (before == FleetClaim::none) {
        effects.emplace_back(ClaimFleetSlot{key, false});
    } else if (before == FleetClaim::asked && claim == FleetClaim::recorded) {
        effects.emplace_back(ListInFleet{key});
    }
}

} // namespace

bool needs_fleet_slot(const Session& session, const policy::Limits& limits) {
    return is_fleet_limited(session, limits) && session.fleet_claim != FleetClaim::granted;
}

std::optional<Reason> obtain_fleet_slot(DecisionContext& context, Session& session, const policy::Limits& limits) {
    if (!is_fleet_limited(session, limits) || session.fleet_claim == FleetClaim::asked) {
        return std::nullopt;
    }
    if (session.is_beyond_fleet_limit) {
        return context.fleet_limit(limits); // even if this host has admitted the login alone, and it waits for a slot
    }
    if (session.fleet_claim == FleetClaim::granted) {
        return std::nullopt;
    }
    DecisionContext::set_fleet_limit(session, limits);
    if (context.state.fleet() == FleetState::down) {
        return decide_alone(context, session, limits);
    }
    session.fleet_claim = FleetClaim::asked;
    session.claim_until = after(context.now, Timeouts::claim_wait);
    return std::nullopt;
}

bool admit_or_ask(DecisionContext& context, Session session, RequestId request, const policy::Limits& limits,
                  Duration budget) {
    if (const auto reason = obtain_fleet_slot(context, session, limits)) {
        refuse(context, session, request, *reason);
        return false;
    }
    if (session.fleet_claim != FleetClaim::asked || !needs_fleet_slot(session, limits)) {
        admit(context, session, request);
        return true;
    }
    session.phase = Phase::asking;
    session.stage = TerminationStage::pending;
    session.request = request;
    session.awaits_logout = false;
    DecisionContext::count_in(session, limits);
    session.answer_by = session.due = session.claim_until;
    context.put(session);
    request_more_time(context, session, budget);
    return true;
}

void continue_asking(DecisionContext& context, Session session) {
    const policy::Limits limits = context.limits(session);
    if (!needs_fleet_slot(session, limits)) {
        session.fleet_claim = FleetClaim::recorded;
        DecisionContext::set_fleet_limit(session, limits);
        return resume(context, session, limits);
    }
    if (session.claim_until <= context.now) {
        return on_no_answer(context, session, limits);
    }
    session.due = session.claim_until;
    context.put(session);
}

void on_claim_answered(DecisionContext& context, const ClaimAnswered& event) {
    const Session* found = context.state.find(event.session);
    if (found == nullptr || found->fleet_claim != FleetClaim::asked) {
        return; // no login waits for it
    }
    Session session = *found;
    const policy::Limits limits = context.limits(session);
    if (!needs_fleet_slot(session, limits)) {
        return continue_asking(context, session); // the policy has changed
    }
    Reason reason = context.fleet_limit(limits);
    switch (event.outcome) {
    case ClaimAnswered::Outcome::granted:
        if (session.is_beyond_fleet_limit) { // logind had announced the session before PAM requested it
            return refuse(context, session, session.request, reason);
        }
        session.fleet_claim = FleetClaim::granted;
        return resume(context, session, limits);
    case ClaimAnswered::Outcome::full:
        if (limits.max_sessions_fleet.value > session.fleet_limit) {
            session.fleet_limit = static_cast<std::uint16_t>(limits.max_sessions_fleet.value);
            context.out.effects.emplace_back(ClaimFleetSlot{session.key, true}); // under the limit of the new policy
            return context.put(session);
        }
        reason.holders = event.holders;
        return refuse(context, session, session.request, reason);
    case ClaimAnswered::Outcome::unknown:
        return on_no_answer(context, session, limits);
    }
}

void on_fleet_state_changed(DecisionContext& context, const FleetStateChanged& event) {
    context.out.records.emplace_back(PutFleetState{event.state});
    if (event.state != FleetState::down) {
        return;
    }
    for (const auto& [key, session] : context.state.sessions()) {
        if (session.fleet_claim == FleetClaim::asked) {
            Session unanswered = session;
            unanswered.claim_until = unanswered.due = context.now;
            context.put(unanswered);
        }
    }
}

void on_fleet_limit_exceeded(DecisionContext& context, const FleetLimitExceeded& event) {
    const Session* found = context.state.find(event.session);
    // One message for each session, however often the other process sends the frame.
    if (found == nullptr || found->fleet_claim == FleetClaim::none || found->is_beyond_fleet_limit) {
        return;
    }
    Session session = *found;
    session.is_beyond_fleet_limit = true;
    context.put(session);
    if (session.fleet_claim == FleetClaim::asked) {
        return; // the login is denied when its claim is answered
    }
    const policy::Limits limits = context.limits(session);
    const bool is_observed = limits.mode.value == policy::Mode::observe;
    context.notify(is_observed ? Notice::Kind::would_deny : Notice::Kind::fleet_over_limit, session,
                   context.fleet_limit(limits));
}

void on_fleet_termination_requested(DecisionContext& context, const FleetTerminationRequested& event) {
    const auto pattern = event.is_credential ? policy::parse_credential(event.subject) : std::nullopt;
    // A name that is not valid UTF-8 is not a reference to a user, and cannot start with "uid:".
    const auto user = event.is_credential ? std::nullopt : parse_user_ref(event.subject);
    const auto uid = user ? user->uid : std::nullopt;
    const std::string by = event.by.substr(0, max_by_length);
    std::uint32_t count = 0;
    for (const auto& [key, session] : context.state.sessions()) {
        const bool is_meant = event.is_credential ? pattern && policy::is_meant(*pattern, session.login.credential)
                              : uid               ? session.login.uid == *uid
                                                  : session.login.user == event.subject;
        if (is_meant && session.login.uid != 0 && is_terminable(session)) {
            ++count;
            begin_termination(
                context, session,
                {.cause = Cause::requested, .count = unknown_user, .span = {}, .by = by, .limit = {}, .person = by},
                event.message.substr(0, max_note_length));
        }
    }
    context.out.effects.emplace_back(ReportFleetTermination{event.order, count});
}

void settle_claims(DecisionContext& context) {
    const bool has_claims = context.state.claims() > 0;
    for (Record& record : context.out.records) {
        auto* put = std::get_if<Put>(&record);
        const auto* drop = std::get_if<Drop>(&record);
        FleetClaim claim = FleetClaim::none;
        if (put != nullptr) {
            claim = put->session.fleet_claim = claim_of(put->session);
            put->session.is_beyond_fleet_limit = put->session.is_beyond_fleet_limit && claim != FleetClaim::none;
        }
        if (!has_claims && claim == FleetClaim::none) {
            continue; // as always on a host that is not in a fleet
        }
        const SessionKey key = put != nullptr ? put->session.key : drop != nullptr ? drop->session : SessionKey::none;
        const Session* known = context.state.find(key);
        const FleetClaim before = known == nullptr ? FleetClaim::none : known->fleet_claim;
        if (claim != before) {
            settle_claim(context, key, before, claim);
        }
    }
}

} // namespace sesslimit::core
