// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/decide.hpp"
#include "daemon/policy/resolve.hpp"

#include <optional>
#include <vector>

/// Context of one call of decide(), and the functions that decide() is composed of. Only source files of the core
/// include this header.
namespace sesslimit::core {

/// Inputs of the decision about one event, and the decision under construction. Each function adds at most
/// one record for the same session.
struct DecisionContext {
    const policy::Policy& policy;
    const State& state;
    BootTime now;
    Decision out{};

    [[nodiscard]] policy::Limits limits(const Session& session) const { return resolve(policy, session.login); }

    /// Returns the warning offsets for an open session. Returns an empty list in observe mode. Returns
    /// Timeouts::grace_period alone if warn_before is empty and the session is in its grace period.
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

    /// Sets the list of rules in whose shared limits the session counts, according to the current policy.
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
    /// Answers that the login is admitted. The limits are announced to the user if the setting `announce` is yes, but
    /// never in observe mode.
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

/// Admits a login that waits for a slot, displaces sessions for it, or denies it.
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

/// Warns, probes or terminates an open session whose deadline has been reached.
void serve_limits(DecisionContext& context, Session session);

/// Returns the time of the next action for the session. This time is at most Timeouts::probe_retry from now in two
/// cases. An answer about a logout is pending, or a probe under an idle limit has failed.
BootTime due_of(const DecisionContext& context, const Session& session, const std::vector<Duration>& warnings);

/// Requests a probe of a session after an idle limit starts to apply, or after the wall clock was set. The result is
/// the basis for comparison with later samples. Does nothing without an idle limit.
void request_first_probe(DecisionContext& context, const Session& session);

// policy_change.cpp
void on_policy_changed(DecisionContext& context, const PolicyChanged& event);
void on_groups_resolved(DecisionContext& context, const GroupsResolved& event);

/// Evaluates an open session against the current policy. A limit is new to the user if it has changed or was only
/// observed before. `retroactive` means that the session was never evaluated before, so all limits are new. Warnings
/// about a new limit are repeated. If a new limit would expire within the grace period, the session gets that period.
void reapply_policy(const DecisionContext& context, Session& session, bool retroactive);

/// Closes an open session if its login does not count under the current policy, for example because its service is now
/// ignored. Does nothing and returns false if the login counts.
bool release_uncounted(DecisionContext& context, Session session);

/// Records a session after reapply_policy(). Terminates its left-behind processes if its leader was lost in observe
/// mode and the limits are now enforced. `before` is the session before reapply_policy().
void commit_session(DecisionContext& context, const Session& session, const Session& before);

// termination.cpp
void on_termination_requested(DecisionContext& context, const TerminationRequested& event);

/// Starts the termination of an open session. In observe mode, only reports that the session would be terminated.
/// Cause::requested starts the termination even in observe mode.
void begin_termination(DecisionContext& context, Session session, const Reason& reason);

/// Performs the next termination stage, which is stricter than the previous one.
void continue_termination(DecisionContext& context, Session session);

/// Requests the termination of a denied login that continues without a session, and sends SIGKILL later.
void terminate_denied_login(DecisionContext& context, Session session);

// logind_events.cpp
void on_leader_exited(DecisionContext& context, const LeaderExited& event);
void on_logind_session_new(DecisionContext& context, const LogindSessionNew& event);
void on_logind_session_removed(DecisionContext& context, const LogindSessionRemoved& event);
void on_logout_checked(DecisionContext& context, const LogoutChecked& event);

/// Handles a session whose leader has exited without a logout. Its left-behind processes are terminated if a limit
/// applies. Otherwise the session stays open and counts until logind removes it.
void on_leader_lost(DecisionContext& context, Session session);

/// Asks logind whether an adopted session was logged out, after its leader has exited. The query is repeated until
/// logind answers. No limit of the session is enforced before the answer.
void check_logout(DecisionContext& context, Session session);

// restore.cpp
void on_session_restored(DecisionContext& context, const SessionRestored& event);

// decide.cpp
void on_timer_expired(DecisionContext& context, const TimerExpired& event);

} // namespace sesslimit::core
