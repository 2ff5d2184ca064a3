// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/decision.hpp"
#include "daemon/core/event.hpp"
#include "daemon/core/state.hpp"
#include "daemon/policy/policy.hpp"

namespace sesslimit::core {

/// How long things take that no policy sets.
struct Timeouts {
    static constexpr Duration grace_period =
        std::chrono::minutes(5); ///< for a session over a limit, without warn_before
    static constexpr Duration notice_display =
        std::chrono::milliseconds(500);                             ///< from telling the reason to the end itself
    static constexpr Duration kill_delay = std::chrono::seconds(5); ///< from SIGTERM to SIGKILL
    static constexpr Duration displaced_kill_delay =
        std::chrono::seconds(2); ///< the same, where a newer login waits for the place
    static constexpr Duration terminal_setup =
        std::chrono::seconds(2); ///< from letting in to a terminal that shows a reason
    static constexpr Duration orphan_kill_delay =
        std::chrono::seconds(1);                                     ///< the same, where the leader is dead already
    static constexpr Duration kill_retry = std::chrono::seconds(10); ///< from one SIGKILL to the next
    static constexpr Duration denied_login_exit = std::chrono::seconds(3); ///< a denied login may leave by itself
    static constexpr Duration slot_wait = std::chrono::seconds(5);         ///< a login waits for a place to become free
    static constexpr Duration reply_margin =
        std::chrono::milliseconds(500); ///< for an answer to arrive after its deadline
    static constexpr Duration probe_retry =
        std::chrono::seconds(10); ///< for an answer to ProbeActivity that never came
};

/// The core: what is to be done, now, about this event. Pure and total: the same arguments give the same decision,
/// nothing is read or changed but them, every event is taken in every state. `state` is as the last decision left it.
Decision decide(const policy::Policy& policy, const State& state, const Event& event, BootTime now);

} // namespace sesslimit::core
