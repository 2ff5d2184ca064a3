// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/activity_sample.hpp"
#include "daemon/core/session.hpp"
#include "daemon/policy/policy.hpp"

#include <cstdint>

/// Interpretation of activity samples: determines when a session was last used. Pure functions.
///
/// A session with a terminal is used by input on it and, if the policy counts them, by output or CPU time. For a
/// graphical session, logind's IdleHint decides. Every other session is used by data on its connection and by CPU time.
/// It is assumed to be in use if its connection cannot be inspected.
///
/// Clocks: ages are measured on CLOCK_BOOTTIME, which includes suspend. Only the timestamps of a terminal are wall
/// clock times. They are converted to boottime with the offset between the two clocks at this probe or at the previous
/// one. The wall clock may be set at any time. Every session under an idle limit is then probed immediately
/// (ClockChanged). Otherwise a clock that is set there and back between two probes would let a key press appear older
/// than it is. The age of logind's hint is measured on CLOCK_MONOTONIC, so a graphical session is not idle while the
/// host is suspended.
///
/// Guarantee: a session is never terminated earlier than idle_timeout after its last input, however the clock is set.
/// Error bound: an unused session is terminated within twice idle_timeout. A timestamp that cannot be converted is
/// assumed to lie between two probes. This happens once per timestamp, because a timestamp that was sampled before is
/// not dated again. The exception is a clock that is set back and reaches the moment of that timestamp again. It adds
/// the same delay once more each time.
namespace sesslimit::core {

/// Upper bounds for keepalives, which do not count as activity. The keepalives of ssh have 28 to 112 bytes, depending
/// on cipher and MAC. All keepalives of one side have the same size, and so have the replies to them. Segments that are
/// larger on average, more than one segment per second, or small segments of different sizes count as activity.
inline constexpr std::uint64_t keepalive_bytes = 120;
inline constexpr Duration keepalive_interval = std::chrono::seconds(1);

/// Divisor of the time since the last probe: more CPU time than the quotient, 1 % of one processor, counts as activity.
/// An idle shell or sshd uses far less.
inline constexpr int processor_share = 100;

/// Minimum time between two probes whose traffic and CPU time can be compared.
inline constexpr Duration shortest_window = std::chrono::seconds(1);

/// Time after the decision to write a notice in which a terminal's output timestamp may still stem from that notice.
/// The timestamp advances in steps of 8 s. The value is one step plus the delay until the notice is written.
inline constexpr Duration echo_of_notice = std::chrono::milliseconds(8250);

/// Returns the time of the last use of the session according to this sample and the previous one (session.last_sample).
/// The result is never later than `now` and never earlier than session.last_input.
BootTime last_use(const Session& session, const ActivitySample& sample, policy::Activity counted, BootTime now);

/// Returns the values of this sample that the next probe is compared with.
LastSample to_last_sample(const Session& session, const ActivitySample& sample, BootTime now);

/// Returns true if the connection carried more between two probes, `window` apart, than keepalives account for.
bool is_traffic(const Traffic& before, const Traffic& after, Duration window);

} // namespace sesslimit::core
