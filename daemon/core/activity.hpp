// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/activity_sample.hpp"
#include "daemon/core/session.hpp"
#include "daemon/policy/policy.hpp"

#include <cstdint>

/// Pure functions that determine when a session was last used, from samples of its activity.
///
/// In a session with a terminal, input on the terminal counts as activity. Output on the terminal and CPU time also
/// count if the setting idle_activity includes them. In a graphical session, only logind's IdleHint counts. In a
/// session that has no terminal and is not graphical, data on its network connection and CPU time count. If the
/// connection cannot be inspected, such a session is assumed to be active.
///
/// Clocks: the time since the last activity of a session is measured on CLOCK_BOOTTIME, which includes suspend. The
/// timestamps of a terminal are wall clock times. They are converted to CLOCK_BOOTTIME with the offset between the two
/// clocks at the current or at the previous activity probe of the session. The age of logind's IdleHint is measured on
/// CLOCK_MONOTONIC, so the idle time of a graphical session does not include suspend.
///
/// Whenever the wall clock is set, every session under an idle limit is probed for activity immediately (event
/// ClockChanged). Without this probe, a key press could appear too old if the clock is changed and restored between two
/// probes.
///
/// Guarantee: a session is never terminated earlier than idle_timeout after its last input, regardless of how the wall
/// clock is set. Error bound: an idle session is terminated within twice idle_timeout after its last input.
///
/// A session may be idle for longer than idle_timeout if the wall clock was set, so that a terminal timestamp cannot be
/// converted to CLOCK_BOOTTIME. Activity after the previous activity probe is then assumed. This assumption is made
/// only once for each timestamp, unless the wall clock is set back and reaches the time of that timestamp again. Each
/// such change of the clock adds the same delay once more.
namespace sesslimit::core {

/// Maximum size of an ssh keepalive in bytes, and minimum interval between two keepalives. Keepalives do not count as
/// activity. A keepalive has 28 to 112 bytes, depending on cipher and MAC. All keepalives that one side of a connection
/// sends have the same size, and so have all replies that it sends to keepalives. Traffic therefore counts as activity
/// if its segments are larger than a keepalive on average, if it has more than one segment per second, or if its
/// segments differ in size.
inline constexpr std::uint64_t keepalive_bytes = 120;
inline constexpr Duration keepalive_interval = std::chrono::seconds(1);

/// Divisor of the time between two activity probes of a session. If the processes of the session used more CPU time
/// than the quotient, which is 1 % of one processor, the session is active. An idle shell or sshd uses far less CPU
/// time.
inline constexpr int processor_share = 100;

/// Minimum time between two activity probes of a session whose traffic and CPU time are compared.
inline constexpr Duration shortest_window = std::chrono::seconds(1);

/// Maximum time from the decision to write a notice on a terminal to the output timestamp that the notice causes.
/// Output within this time is attributed to the notice and does not count as activity. The kernel advances the
/// timestamp in steps of 8 s. The maximum is therefore one step plus the delay until the notice is written.
inline constexpr Duration echo_of_notice = std::chrono::milliseconds(8250);

/// Returns the time of the session's last activity. Compares the activity sample `sample` with the previous sample of
/// the session (session.last_sample). The returned time is never later than `now` and never earlier than
/// session.last_input.
BootTime last_use(const Session& session, const ActivitySample& sample, policy::Activity counted, BootTime now);

/// Returns the values of an activity sample that are stored in the session for comparison with the next sample.
LastSample to_last_sample(const Session& session, const ActivitySample& sample, BootTime now);

/// Returns true if a TCP connection carried more data between two activity probes than ssh keepalives can explain.
/// `window` is the time between the two probes.
bool is_traffic(const Traffic& before, const Traffic& after, Duration window);

} // namespace sesslimit::core
