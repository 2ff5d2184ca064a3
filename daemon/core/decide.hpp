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
    static constexpr Duration grace_period =
        std::chrono::minutes(5); ///< for a session over a limit, without warn_before
    static constexpr Duration notice_display =
        std::chrono::milliseconds(500);                             ///< from the notice of the reason to termination
    static constexpr Duration kill_delay = std::chrono::seconds(5); ///< from SIGTERM to SIGKILL
    static constexpr Duration displaced_kill_delay =
        std::chrono::seconds(2); ///< the same, if a newer login waits for the slot
    static constexpr Duration terminal_setup =
        std::chrono::seconds(2); ///< from admission to a terminal that can show a reason
    static constexpr Duration orphan_kill_delay = std::chrono::seconds(1); ///< from SIGTERM to SIGKILL without a
                                                                           ///< leader; between two checks of a logout
    static constexpr Duration kill_retry = std::chrono::seconds(10);       ///< from one SIGKILL to the next
    static constexpr Duration denied_login_exit = std::chrono::seconds(3); ///< for a denied login to exit by itself
    static constexpr Duration slot_wait = std::chrono::seconds(5);         ///< for a login to wait for a slot
    static constexpr Duration reply_margin =
        std::chrono::milliseconds(500); ///< for an answer to arrive after its deadline
    static constexpr Duration probe_retry =
        std::chrono::seconds(10); ///< until an unanswered ProbeActivity or CheckLogout is repeated
};

/// Returns the decision about `event` at the time `now`. This function is the core. It is pure and total: the same
/// arguments give the same decision, only the arguments are read, and nothing is modified. Every event is accepted in
/// every state. The records of the previous decision must have been applied to `state`.
Decision decide(const policy::Policy& policy, const State& state, const Event& event, BootTime now);

} // namespace sesslimit::core
