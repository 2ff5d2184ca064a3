// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/activity_sample.hpp"
#include "daemon/core/session.hpp"
#include "daemon/policy/policy.hpp"

#include <cstdint>
#include <string_view>

/// Pure functions that determine when a session was last used, from samples of its activity.
///
/// In a session with a terminal, input on the terminal counts as activity. The setting idle_activity can also include
/// data on connections, output on the terminal and CPU time. In a graphical session, only logind's IdleHint counts. In
/// any other session, CPU time and data on connections count. If the ssh connection cannot be inspected, such a session
/// is assumed to be active. After a logout, a session does not have an ssh connection. Sessions of Cockpit are never
/// idle (is_web()).
///
/// Connections are the TCP sockets of the session's processes, and the ssh connection itself (session_traffic.hpp).
///
/// The time since the last activity of a session is measured on CLOCK_BOOTTIME, which includes suspend. Timestamps of
/// terminals are wall clock times, and are converted to CLOCK_BOOTTIME. The age of logind's IdleHint is measured on
/// CLOCK_MONOTONIC, so the idle time of a graphical session does not include suspend.
///
/// Whenever the wall clock is set, all sessions that have an idle limit are probed for activity immediately (event
/// ClockChanged). Without this probe, a key press could appear to be older than it is if the clock is set twice between
/// two probes. The terminal timestamps of a session that has not been probed yet cannot be converted, so the session is
/// assumed to be active at that time (is_input_undated()). The same applies when it is restored after a restart,
/// because the daemon may have missed a change of the clock.
///
/// A session is never terminated earlier than idle_timeout after its last input, regardless of how the wall clock is
/// set. A session without data on its connections is terminated at the latest at twice idle_timeout after its last
/// input.
///
/// If the wall clock was set, the timestamp of a terminal may not be convertible to CLOCK_BOOTTIME. The session is then
/// assumed to be active at the time of the activity probe, which delays its termination. This assumption is made only
/// once for each timestamp, unless the wall clock is set back and reaches the timestamp again.
namespace sesslimit::core {

/// Divisor for the CPU time that counts as activity. A session is active if its processes used more than 1/100 of the
/// time since the last comparison (is_processor_time_due()), which is 1 % of one processor. An idle shell or sshd uses
/// far less.
inline constexpr int processor_share = 100;

/// Minimum time between two activity probes of a session, so that its traffic and CPU time at the two probes can be
/// compared.
inline constexpr Duration shortest_window = std::chrono::seconds(1);

/// Time after a notice of the daemon in which output on the terminal is attributed to the notice, and does not count as
/// activity. The time is one step of 8 s, in which the kernel advances terminal timestamps, plus the delay until the
/// notice is written.
inline constexpr Duration echo_of_notice = std::chrono::milliseconds(8250);

/// Returns the session's last activity, except for data on its connections. Compares the activity sample `sample` with
/// the previous sample of the session (session.last_sample). The returned time is never later than `now` and never
/// earlier than session.last_input.
Use last_use(const Session& session, const ActivitySample& sample, policy::Activity counted, BootTime now);

/// Returns the time for which the session has not been used. `used` is the time of last_use() for the same sample.
WholeSeconds idle_time(const Session& session, const ActivitySample& sample, BootTime used, BootTime now);

/// Returns the last use of a session that is not graphical by data on its connections, of those that `counted` and the
/// kind of the session take into account.
TrafficUse last_use_by_traffic(const SessionTraffic& traffic, bool has_terminal, policy::Activity counted);

/// Returns true if last_use_by_traffic() takes a connection of the session into account.
bool is_traffic_counted(const SessionTraffic& traffic, bool has_terminal, policy::Activity counted);

/// Returns the sources that apply to the session according to its last activity probe. Without any source, the use of
/// the session cannot be observed, or it was not probed yet.
Sources sources_of(const Session& session, policy::Activity counted);

/// Returns the source of the last activity in the session.
Source last_source_of(const Session& session);

/// Returns the name of a source, as in the setting idle_activity. Returns an empty text for Source::none.
std::string_view name_of(Source source);

/// Returns true if a session that is left behind is used by mosh. It has a UDP socket, and one of its terminals had
/// input later than Timeouts::mosh_start after the logout, now or at an earlier probe. Returns false if that is
/// unclear.
bool is_mosh(const Session& session, const ActivitySample& sample);

/// Returns the values of the activity sample `sample` that the session stores, so that the next sample can be compared
/// with them.
LastSample to_last_sample(const Session& session, const ActivitySample& sample, BootTime now);

/// Returns true if a change of the wall clock makes it impossible to convert the terminal timestamps of an open
/// session, because the session has not been probed yet.
bool is_input_undated(const Session& session);

/// Returns true if CPU time counts as activity, and the session may have been active at some time since its previous
/// activity probe, or since its start if it has not been probed, although its average since then is too low to count.
/// The processes of the session may then have used all of this CPU time within a period as long as `idle`.
bool was_perhaps_busy(const Session& session, const ActivitySample& sample, policy::Activity counted, Duration idle);

/// Returns true if output on the session's terminals counts as activity. The terminals must then be probed before the
/// daemon writes a notice to them, because the notice overwrites the time of the last output.
bool is_output_awaited(const Session& session, policy::Activity counted);

} // namespace sesslimit::core
