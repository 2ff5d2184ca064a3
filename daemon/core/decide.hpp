// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/decision.hpp"
#include "daemon/core/event.hpp"
#include "daemon/core/state.hpp"
#include "daemon/policy/policy.hpp"

namespace sesslimit::core {

/// Time spans of the core that the administrator cannot configure in the policy.
struct Timeouts {
    /// Grace period before a new limit can terminate a session that is already open. Only used if the setting
    /// `warn_before` is empty.
    static constexpr Duration grace_period = std::chrono::minutes(5);
    /// Delay between the notice to the user why the session is terminated, and SIGTERM.
    static constexpr Duration notice_display = std::chrono::milliseconds(500);
    /// The same delay for a session on a console or display of this host. agetty clears a virtual terminal when the
    /// session exits, so that the user can read the notice only until then.
    static constexpr Duration local_notice_display = std::chrono::seconds(5);
    /// The same delay for such a session that is terminated in favor of a newer login, which waits for it.
    static constexpr Duration local_displacement_display = std::chrono::seconds(2);
    /// Delay from SIGTERM to SIGKILL.
    static constexpr Duration kill_delay = std::chrono::seconds(5);
    /// Delay from SIGTERM to SIGKILL for a session that is terminated in favor of a newer login.
    static constexpr Duration displaced_kill_delay = std::chrono::seconds(2);
    /// Time after the admission of a login in which its session may not have a terminal yet. A notice of the daemon
    /// could not be shown to the user during this time.
    static constexpr Duration terminal_setup = std::chrono::seconds(2);
    /// Delay from SIGTERM to SIGKILL for a session whose leader (the process that opened the session) exited without a
    /// logout. Also the delay between the two queries to logind whether such a session was logged out.
    static constexpr Duration orphan_kill_delay = std::chrono::seconds(1);
    /// Interval between two SIGKILLs.
    static constexpr Duration kill_retry = std::chrono::seconds(10);
    /// Time in which the process of a denied login can exit by itself, before the daemon terminates it.
    static constexpr Duration denied_login_exit = std::chrono::seconds(3);
    /// Time after the admission of a login within which logind announces a session for it, if the PAM stack of the
    /// login contains pam_systemd. Afterwards the session is active without logind.
    static constexpr Duration logind_wait = std::chrono::seconds(30);
    /// Maximum time for which a login waits until a session slot of its user is free.
    static constexpr Duration slot_wait = std::chrono::seconds(5);
    /// Maximum time for which a login waits until the fleet has answered its claim of a slot. sesslimit-fleetd answers
    /// within 3 s. The margin lets its answer arrive first.
    static constexpr Duration claim_wait = std::chrono::milliseconds(3200);
    /// Time without an acknowledgment of sent data after which the client of an ssh session is considered dead. Its
    /// session gives way to a login at the limit.
    static constexpr Duration dead_peer = std::chrono::seconds(60);
    /// Minimum time between two notices about denied logins on the terminals of a session.
    static constexpr Duration denial_notice_interval = std::chrono::minutes(10);
    /// Time from the deadline of the daemon's answer to the time at which the PAM module stops waiting for the answer.
    static constexpr Duration reply_margin = std::chrono::milliseconds(500);
    /// Time after a logout in which mosh-server creates the terminal of its session. Later timestamps of the terminal
    /// are input.
    static constexpr Duration mosh_start = std::chrono::seconds(10);
    /// Time after a logout in which the processes of a session normally exit. A login at the limit waits for this time
    /// if the policy counts sessions that are left behind.
    static constexpr Duration logout_settle = std::chrono::seconds(1);
    /// Maximum time between two samples of a session's connections after its user was warned about the idle limit.
    static constexpr Duration warned_sample_interval = std::chrono::seconds(5);
    /// Maximum time between two samples of the connections of a session that a login at the limit may displace by its
    /// activity.
    static constexpr Duration displacement_sample_interval = std::chrono::seconds(30);
    /// Delay until a failed or unanswered activity probe (ProbeActivity) or logout query (CheckLogout) is repeated.
    static constexpr Duration probe_retry = std::chrono::seconds(10);
};

/// Returns the session that the PAM application closes, or null if it is not known. Lifetime: as for State::find().
const Session* closed_session(const State& state, const CloseRequested& event);

/// Returns the decision about `event` at the time `now`. This function is the core of the daemon. It is pure: it reads
/// only its arguments and modifies nothing, so the same arguments always give the same decision. Every event is
/// accepted in every state. The caller must have applied the records of the previous decision to `state`.
Decision decide(const policy::Policy& policy, const State& state, const Event& event, BootTime now);

} // namespace sesslimit::core
