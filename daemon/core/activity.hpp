// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/activity_sample.hpp"
#include "daemon/core/session.hpp"
#include "daemon/policy/policy.hpp"

#include <cstdint>

/// Pure functions that determine the last activity of a session from its activity samples.
///
/// In a session with a terminal, input on the terminal counts as activity. If the policy counts them, output and CPU
/// time do as well. In a graphical session, logind's IdleHint decides. In every other session, data on its connection
/// and CPU time count. Such a session is assumed to be active if its connection cannot be inspected.
///
/// Clocks: ages are measured on CLOCK_BOOTTIME, which includes suspend. Only the timestamps of a terminal are wall
/// clock times. These timestamps are converted to boottime with the offset between the two clocks at this probe or at
/// the previous probe. Whenever the wall clock is set, every session under an idle limit is probed immediately
/// (ClockChanged). Without this probe, a key press could appear too old if the clock is changed and restored between
/// two probes. The age of logind's hint is measured on CLOCK_MONOTONIC, so a graphical session is not idle while the
/// host is suspended.
///
/// Guarantee: a session is never terminated earlier than idle_timeout after its last input, however the clock is set.
/// Error bound: an idle session is terminated within twice idle_timeout. A timestamp that cannot be converted is
/// assumed to lie between two probes. This assumption is made once per timestamp, because a timestamp that was sampled
/// before is not converted again. The exception is a clock that is set back and reaches the time of that timestamp
/// again. Each such change of the clock adds the same delay once more.
namespace sesslimit::core {

/// Maximum size of a keepalive in bytes, and minimum interval between two of them. Keepalives do not count as activity.
/// The keepalives of ssh have 28 to 112 bytes, depending on cipher and MAC. All keepalives of one side have the same
/// size. All replies to keepalives of one side have the same size as well. Three patterns count as activity: segments
/// that are larger on average, more than one segment per second, and small segments of different sizes.
inline constexpr std::uint64_t keepalive_bytes = 120;
inline constexpr Duration keepalive_interval = std::chrono::seconds(1);

/// Divisor of the time since the last probe. CPU time counts as activity if it exceeds the quotient, which is 1 % of
/// one processor. An idle shell or sshd uses far less CPU time.
inline constexpr int processor_share = 100;

/// Minimum time between two probes whose traffic and CPU time can be compared.
inline constexpr Duration shortest_window = std::chrono::seconds(1);

/// Maximum difference between the decision to write a notice and the output timestamp that the notice causes. The
/// timestamp advances in steps of 8 s. The difference is at most one step plus the delay until the notice is written.
inline constexpr Duration echo_of_notice = std::chrono::milliseconds(8250);

/// Returns the time of the session's last activity, from this sample and the previous sample (session.last_sample). The
/// result is never later than `now` and never earlier than session.last_input.
BootTime last_use(const Session& session, const ActivitySample& sample, policy::Activity counted, BootTime now);

/// Returns the values of this sample, for comparison with the next sample.
LastSample to_last_sample(const Session& session, const ActivitySample& sample, BootTime now);

/// Returns true if the connection carried more data between two probes than keepalives can explain. `window` is the
/// time between the two probes.
bool is_traffic(const Traffic& before, const Traffic& after, Duration window);

} // namespace sesslimit::core
