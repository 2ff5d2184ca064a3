// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/decide.hpp"
#include "daemon/policy/resolve.hpp"

#include <optional>
#include <vector>

/// Inside the warden: one call of decide(), and what its parts share. Nobody outside includes this.
namespace sesslimit::core {

/// One event's turn: what it may look at, and the decision as it grows. Each part writes a session at most once.
struct DecisionContext {
    const policy::Policy& policy;
    const State& state;
    BootTime now;
    Decision out{};

    [[nodiscard]] policy::Limits limits(const Session& session) const { return resolve(policy, session.login); }

    /// What the user of an open session is told before its end: nothing where nobody means it, and once where a limit
    /// takes them by surprise and no warning is set.
    [[nodiscard]] std::vector<Duration> warnings(const Session& session, const policy::Limits& limits) const {
        if (limits.mode.value == policy::Mode::observe) {
            return {};
        }
        const bool retroactive = limits.warn_before.empty() && now < session.grace_until;
        return retroactive ? std::vector{Timeouts::grace_period} : limits.warn_before;
    }

    /// Whether this end of a session is none, and its screen is locked instead.
    [[nodiscard]] static bool locks(const Session& session, const policy::Limits& limits, Cause cause) {
        return cause == Cause::idle && session.graphical && limits.on_idle.value == policy::OnIdle::lock;
    }

    /// Which shared_limits a session counts in, by the policy as it is now.
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
    /// Lets it in; `limits` say whether its user is to read them. Where nothing is meant, nobody is told of it.
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
void on_close_requested(DecisionContext& context, const CloseRequested& event);
void on_request_aborted(DecisionContext& context, const RequestAborted& event);

/// Forgets a session for good, and gives its place to whoever of the same user has waited longest.
void remove_session(DecisionContext& context, const Session& session);

/// A session that waits for a place: asks an open one to make room, or gives up.
void continue_waiting(DecisionContext& context, Session session);

/// A session leaves its place in this turn: gives it to whoever of its user waits for one.
void admit_waiting(DecisionContext& context, const Session& left);

// limits.cpp
void on_activity_probed(DecisionContext& context, const ActivityProbed& event);
void on_input_received(DecisionContext& context, const InputReceived& event);
void on_clock_changed(DecisionContext& context, const ClockChanged& event);
void on_policy_changed(DecisionContext& context, const PolicyChanged& event);
void on_groups_resolved(DecisionContext& context, const GroupsResolved& event);

/// Warns about, looks at or ends an open session whose deadline has come.
void serve_limits(DecisionContext& context, Session session);

/// Judges an open session by the policy as it is now. Limits that have become other ones give it time and its
/// warnings afresh, and so do those that were only observed until now; `retroactive` does so too: the session was never
/// judged before.
void reapply_policy(const DecisionContext& context, Session& session, bool retroactive);

/// Lets go of an open session of a service that the policy has come to ignore: like a greeter, it is none that counts.
/// False: it counts, and nothing was done.
bool release_uncounted(DecisionContext& context, Session session);

/// Records a session that was reviewed. If it lost its leader while its limits were only observed, and they are
/// enforced now, what is left of it is terminated. `before` is the session before the reapply_policy.
void commit_session(DecisionContext& context, const Session& session, const Session& before);

/// Asks logind whether an adopted session, whose leader has exited, was logged out. Asked again until there is an
/// answer; until then none of its limits is enforced.
void check_logout(DecisionContext& context, Session session);

/// Asks for a look at a session under an idle limit that has just begun to have one, or whose terminals' clock has just
/// changed: what is seen then is what later looks are held against.
void request_first_probe(DecisionContext& context, const Session& session);

// ending.cpp
void on_termination_requested(DecisionContext& context, const TerminationRequested& event);

/// Begins to end an open session; in observe mode says only that it would (but for Cause::requested).
void begin_termination(DecisionContext& context, Session session, const Reason& reason);

/// The next step of ending it, harder than the last.
void continue_termination(DecisionContext& context, Session session);

/// A denied login that goes on without a session: its process is asked to stop, then made to.
void terminate_denied_login(DecisionContext& context, Session session);

// presence.cpp
void on_leader_exited(DecisionContext& context, const LeaderExited& event);
void on_logind_session_new(DecisionContext& context, const LogindSessionNew& event);
void on_logind_session_removed(DecisionContext& context, const LogindSessionRemoved& event);
void on_logout_checked(DecisionContext& context, const LogoutChecked& event);
void on_session_restored(DecisionContext& context, const SessionRestored& event);

// decide.cpp
void on_timer_expired(DecisionContext& context, const TimerExpired& event);

} // namespace sesslimit::core
