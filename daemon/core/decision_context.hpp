// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/decide.hpp"
#include "daemon/policy/resolve.hpp"

#include <optional>
#include <vector>

/// Internal to the core: the context of one call of decide(), shared by its dependencies. Not included from elsewhere.
namespace sesslimit::core {

/// Context of the decision about one event: its inputs, and the decision under construction. Each part writes a session
/// at most once.
struct DecisionContext {
    const policy::Policy& policy;
    const State& state;
    BootTime now;
    Decision out{};

    [[nodiscard]] policy::Limits limits(const Session& session) const { return resolve(policy, session.login); }

    /// Returns the warning offsets for an open session: none in observe mode. Returns a single grace warning if
    /// warn_before is empty and the session is in its grace period.
    [[nodiscard]] std::vector<Duration> warnings(const Session& session, const policy::Limits& limits) const {
        if (limits.mode.value == policy::Mode::observe) {
            return {};
        }
        const bool retroactive = limits.warn_before.empty() && now < session.grace_until;
        return retroactive ? std::vector{Timeouts::grace_period} : limits.warn_before;
    }

    /// Returns true if the limit locks the screen of the session instead of terminating it.
    [[nodiscard]] static bool locks(const Session& session, const policy::Limits& limits, Cause cause) {
        return cause == Cause::idle && session.graphical && limits.on_idle.value == policy::OnIdle::lock;
    }

    /// Sets the rules whose shared limits the session counts in, by the current policy.
    static void count_in(Session& session, const policy::Limits& limits) {
        session.shared_limits.clear();
        for (const policy::SharedLimit& total : limits.shared_limits) {
            session.shared_limits.push_back(total.rule);
        }
    }

    void put(const Session& session) { out.records.emplace_back(Put{session}); }
    void answer(RequestId request, Answer::Kind kind, const Session& session = {}) {
        out.answers.push_back({request, kind, session});
    }
    /// Answers that the login is admitted. The limits are announced to its user if their `announce` is set, but never
    /// in observe mode.
    void admit(RequestId request, const Session& session, const policy::Limits& limits) {
        const bool meant = limits.mode.value == policy::Mode::enforce;
        const bool announced = meant && limits.announce.value == policy::Announce::yes;
        out.answers.push_back({.request = request,
                               .kind = Answer::Kind::admitted,
                               .session = session,
                               .announce = announced ? std::optional(limits.idle_activity.value) : std::nullopt});
    }
    void notify(Notice::Kind kind, const Session& session, const Reason& reason = {}, Duration left = {}) {
        out.effects.emplace_back(Notice{kind, session, reason, left});
    }
};

// admission.cpp
void on_open_requested(DecisionContext& context, const OpenRequested& event);

/// Admits a login whose limits permit it. `request` is answered, and the session's limits are set from the policy.
void admit(DecisionContext& context, Session session, RequestId request);

/// Continues a login that waits for a slot: admits it, displaces sessions for it, or denies it.
void continue_waiting(DecisionContext& context, Session session);

// release.cpp
void on_close_requested(DecisionContext& context, const CloseRequested& event);
void on_request_aborted(DecisionContext& context, const RequestAborted& event);

/// Removes a session from the state. If it occupied a slot, the slot goes to the longest waiting login of its user.
void remove_session(DecisionContext& context, const Session& session);

/// Admits waiting logins of the same user to the slot that `left` vacates in this decision.
void admit_waiting(DecisionContext& context, const Session& left);

// limits.cpp
void on_activity_probed(DecisionContext& context, const ActivityProbed& event);
void on_input_received(DecisionContext& context, const InputReceived& event);
void on_clock_changed(DecisionContext& context, const ClockChanged& event);

/// Warns about, probes or terminates an open session whose deadline has been reached.
void serve_limits(DecisionContext& context, Session session);

/// Returns the time of the next action for the session. While an answer about a logout is pending, or after a failed
/// probe under an idle limit, it is at most Timeouts::probe_retry from now.
BootTime due_of(const DecisionContext& context, const Session& session, const std::vector<Duration>& warnings);

/// Requests a probe of a session that has just come under an idle limit, or whose terminals' clock has just changed.
/// Later samples are compared with this one. Does nothing without an idle limit.
void request_first_probe(DecisionContext& context, const Session& session);

// policy_change.cpp
void on_policy_changed(DecisionContext& context, const PolicyChanged& event);
void on_groups_resolved(DecisionContext& context, const GroupsResolved& event);

/// Evaluates an open session against the current policy. A limit is new to its user if it has changed, if it was only
/// observed before, or if `retroactive`: the session was never evaluated before. Warnings about a new limit are
/// repeated, and the session gets a grace period if a new limit would expire within that period.
void reapply_policy(const DecisionContext& context, Session& session, bool retroactive);

/// Closes an open session whose service the policy has begun to ignore. Like a greeter, it does not count.
/// Returns false, and does nothing, if the session counts.
bool release_uncounted(DecisionContext& context, Session session);

/// Records a session after reapply_policy(). If it lost its leader while its limits were only observed, and they are
/// enforced now, its left-behind processes are terminated. `before` is the session before reapply_policy().
void commit_session(DecisionContext& context, const Session& session, const Session& before);

// termination.cpp
void on_termination_requested(DecisionContext& context, const TerminationRequested& event);

/// Starts the termination of an open session. In observe mode, only reports that it would be terminated, except for
/// Cause::requested.
void begin_termination(DecisionContext& context, Session session, const Reason& reason);

/// Performs the next termination stage, which is stricter than the previous one.
void continue_termination(DecisionContext& context, Session session);

/// Stops a denied login that continues without a session: requests its termination first, and sends SIGKILL later.
void terminate_denied_login(DecisionContext& context, Session session);

// logind_events.cpp
void on_leader_exited(DecisionContext& context, const LeaderExited& event);
void on_logind_session_new(DecisionContext& context, const LogindSessionNew& event);
void on_logind_session_removed(DecisionContext& context, const LogindSessionRemoved& event);
void on_logout_checked(DecisionContext& context, const LogoutChecked& event);

/// Handles a session whose leader has exited without a logout. Its left-behind processes are terminated if a limit
/// applies. Otherwise the session stays open, and is counted until logind removes it.
void on_leader_lost(DecisionContext& context, Session session);

/// Asks logind whether an adopted session, whose leader has exited, was logged out. The question is repeated until
/// logind answers. Until then none of its limits is enforced.
void check_logout(DecisionContext& context, Session session);

// restore.cpp
void on_session_restored(DecisionContext& context, const SessionRestored& event);

// decide.cpp
void on_timer_expired(DecisionContext& context, const TimerExpired& event);

} // namespace sesslimit::core
