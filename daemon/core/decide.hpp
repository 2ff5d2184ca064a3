// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/decision.hpp"
#include "daemon/core/event.hpp"
#include "daemon/core/state.hpp"
#include "daemon/policy/policy.hpp"

namespace sesslimit::core {

/// Time spans of the core that no policy sets.
struct Timeouts {
    /// Grace period if warn_before is empty.
    static constexpr Duration grace_period = std::chrono::minutes(5);
    /// Delay from the notice of the reason to SIGTERM.
    static constexpr Duration notice_display = std::chrono::milliseconds(500);
    /// Delay from SIGTERM to SIGKILL.
    static constexpr Duration kill_delay = std::chrono::seconds(5);
    /// Delay from SIGTERM to SIGKILL for a displaced session.
    static constexpr Duration displaced_kill_delay = std::chrono::seconds(2);
    /// Delay from admission until the session has a terminal that can show a reason.
    static constexpr Duration terminal_setup = std::chrono::seconds(2);
    /// Delay from SIGTERM to SIGKILL if the leader is lost, and delay between two checks of a logout.
    static constexpr Duration orphan_kill_delay = std::chrono::seconds(1);
    /// Interval between two SIGKILLs.
    static constexpr Duration kill_retry = std::chrono::seconds(10);
    /// Time for a denied login to exit by itself.
    static constexpr Duration denied_login_exit = std::chrono::seconds(3);
    /// Maximum time for which a login waits for a slot.
    static constexpr Duration slot_wait = std::chrono::seconds(5);
    /// Time for an answer to arrive after its deadline.
    static constexpr Duration reply_margin = std::chrono::milliseconds(500);
    /// Delay until a failed or unanswered ProbeActivity or CheckLogout is repeated.
    static constexpr Duration probe_retry = std::chrono::seconds(10);
};

/// Returns the decision about `event` at the time `now`. This function is the core. It is pure: it reads only its
/// arguments and modifies nothing. The same arguments always give the same decision. Every event is accepted in every
/// state. The records of the previous decision must have been applied to `state`.
Decision decide(const policy::Policy& policy, const State& state, const Event& event, BootTime now);

} // namespace sesslimit::core
