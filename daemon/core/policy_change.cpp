// SPDX-License-Identifier: MIT
#include "daemon/core/deadline.hpp"
#include "daemon/core/decision_context.hpp"

#include <cstdint>
#include <map>

namespace sesslimit::core {
namespace {

/// Sessions of a user that occupy a session slot under the new policy, and are not being terminated.
struct Occupied {
    std::uint32_t count = 0;
    Session oldest;
};

/// Reports each user who has more sessions than the new policy permits, with the oldest of them.
void report_over_limit(DecisionContext& context, const std::map<uid_t, Occupied>& users) {
    for (const auto& [uid, occupied] : users) {
        const policy::Limits limits = context.limits(occupied.oldest);
        if (occupied.count > limits.max_sessions.value) {
            context.notify(Notice::Kind::over_limit, occupied.oldest, context.own_limit(limits));
        }
    }
}

} // namespace

void reapply_policy(const DecisionContext& context, Session& session, bool retroactive) {
    const policy::Limits limits = context.limits(session);
    const bool enforced = limits.mode.value == policy::Mode::enforce;
    const bool newly_enforced = session.observed && enforced;
    const bool was_limited = is_limited(session);
    const bool other_duration = session.max_duration != limits.max_duration.value;
    const bool other_idle = session.idle_timeout != limits.idle_timeout.value ||
                            session.idle_timeout_no_terminal != limits.idle_timeout_no_terminal.value;
    DecisionContext::count_in(session, limits);
    session.limits_left_behind = limits.limit_left_behind.value == policy::LimitLeftBehind::yes;
    session.max_duration = limits.max_duration.value;
    session.idle_timeout = limits.idle_timeout.value;
    session.idle_timeout_no_terminal = limits.idle_timeout_no_terminal.value;
    session.observed = session.observed && !enforced && !other_duration && !other_idle;
    if (session.observed) {
        return;
    }
    const Duration grace = limits.warn_before.empty() ? Timeouts::grace_period : limits.warn_before.front();
    const BootTime grace_end = after(context.now, grace);
    const bool newly_limited = session.phase == Phase::left_behind && !was_limited && is_limited(session);
    const bool fresh_duration = retroactive || newly_enforced || newly_limited || other_duration;
    const bool fresh_idle = retroactive || newly_enforced || newly_limited || other_idle;
    // A session that is left behind may be found to be used by mosh later. Its limits then apply.
    Session limited = session;
    limited.limits_left_behind = true;
    if (enforced &&
        ((fresh_duration && duration_end(limited) < grace_end) || (fresh_idle && idle_end(limited) < grace_end))) {
        session.grace_until = grace_end;
    }
    session.duration_warned = fresh_duration ? unlimited_duration : session.duration_warned;
    session.idle_warned = fresh_idle ? unlimited_duration : session.idle_warned;
    session.due = due_of(context, session, context.warnings(session, limits));
}

bool release_uncounted(DecisionContext& context, Session session) {
    if (policy::counts(context.policy, session.login)) {
        return false;
    }
    session.phase = Phase::closed;
    session.due = never;
    if (session.leader.pid == 0) {
        remove_session(context, session);
    } else {
        context.put(session);
    }
    return true;
}

void commit_session(DecisionContext& context, const Session& session, const Session& before) {
    const bool enforced_now = before.observed && !session.observed;
    const bool is_lost = session.leader.pid == 0 && session.logout_check == LogoutCheck::none;
    if (session.phase == Phase::active && is_lost && enforced_now) {
        return on_leader_lost(context, session);
    }
    context.put(session);
}

void on_policy_changed(DecisionContext& context, const PolicyChanged&) {
    std::map<uid_t, Occupied> users;
    for (const auto& [key, session] : context.state.sessions()) {
        Session updated = session;
        if (session.phase == Phase::waiting) {
            // The waiting login is decided again, because the new policy may permit more sessions than the old policy.
            updated.due = context.now;
        }
        if (session.phase == Phase::asking) {
            DecisionContext::count_in(updated, context.limits(updated));
            updated.due = context.now;
        }
        if (session.phase == Phase::ending || session.phase == Phase::closed) {
            context.recount(updated);
        }
        if (session.phase == Phase::left_behind) {
            reapply_to_left_behind(context, updated);
        }
        if (session.phase == Phase::admitted || session.phase == Phase::active) {
            if (release_uncounted(context, session)) {
                continue;
            }
            reapply_policy(context, updated, false);
        }
        if (occupies_slot(updated) && updated.phase != Phase::ending) {
            Occupied& occupied =
                users.try_emplace(session.login.uid, Occupied{.count = 0, .oldest = updated}).first->second;
            ++occupied.count;
        }
        if (updated != session) {
            commit_session(context, updated, session);
        }
        if (idle_limit(updated) != idle_limit(session) || updated.last_sample.at == BootTime{} ||
            policy::displaces_by_activity(context.limits(updated))) {
            context.request_first_probe(updated);
        }
    }
    report_over_limit(context, users);
}

void on_groups_resolved(DecisionContext& context, const GroupsResolved& event) {
    const Session* found = context.state.find(event.session);
    if (found == nullptr) {
        return;
    }
    Session session = *found;
    session.login.gids = event.gids;
    session.login.gids_cut = false;
    if (session.phase == Phase::asking) {
        DecisionContext::count_in(session, context.limits(session));
        session.due = context.now;
    }
    if (session.phase == Phase::ending || session.phase == Phase::closed) {
        context.recount(session);
    }
    if (session.phase == Phase::admitted || session.phase == Phase::active) {
        reapply_policy(context, session, false);
    }
    if (session.phase == Phase::left_behind) {
        reapply_to_left_behind(context, session);
    }
    commit_session(context, session, *found);
    if (idle_limit(session) != idle_limit(*found) || session.last_sample.at == BootTime{} ||
        policy::displaces_by_activity(context.limits(session))) {
        context.request_first_probe(session);
    }
}

} // namespace sesslimit::core
