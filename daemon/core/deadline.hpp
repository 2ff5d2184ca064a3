// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/session.hpp"

#include <optional>
#include <vector>

/// Functions that compute when the limits of a session expire and when warnings are due. They are pure arithmetic over
/// a session and the times before expiry at which its user is warned (`warn_before`, longest first). The limits are
/// those that the last evaluation of the policy stored in the session.
namespace sesslimit::core {

/// Returns the time at which the duration limit of the session expires, or `never` if its duration is unlimited, or if
/// the session is left behind and no limit applies to it (is_limited()). The time is not earlier than
/// Session::grace_until, the end of the grace period.
BootTime duration_end(const Session& session);

/// Returns the idle limit that applies to the session. It is idle_timeout if the session is graphical or has a
/// terminal, and idle_timeout_no_terminal otherwise. Returns the shorter limit while it is unknown whether a terminal
/// exists. Returns unlimited_duration for a session of Cockpit (is_web()), because its use cannot be observed.
Duration idle_limit(const Session& session);

/// Returns the time at which the idle limit of the session expires if no activity follows. Returns `never` if the idle
/// time is unlimited. Also returns `never` until the session is active, because the daemon does not know its
/// processes earlier, and if no limit applies to a session that is left behind.
BootTime idle_end(const Session& session);

/// Returns the time at which an admitted session becomes active if logind has not announced it (Timeouts::logind_wait).
BootTime logind_deadline(const Session& session);

/// Returns the configured time from the warning that is now due to the expiry of the limit. If several warnings are due
/// and were not issued, returns the shortest time. Returns nothing if no warning is due at `now`.
std::optional<Duration> duration_warning(const Session& session, const std::vector<Duration>& warn_before,
                                         BootTime now);
std::optional<Duration> idle_warning(const Session& session, const std::vector<Duration>& warn_before, BootTime now);

/// Returns true if the user of the session must be warned before the limit expires, and no warning has been issued yet.
bool is_duration_warning_owed(const Session& session, const std::vector<Duration>& warn_before);
bool is_idle_warning_owed(const Session& session, const std::vector<Duration>& warn_before);

/// Returns the time of the next action for the duration limit of the session, which is the next warning or the expiry.
/// Returns `never` if the duration is unlimited.
BootTime next_duration_check(const Session& session, const std::vector<Duration>& warn_before);

/// Returns true if the CPU time of the session must be compared with that of an earlier probe. This is the case if a
/// warning about the idle limit or its expiry is due, or if the earlier probe was as long ago as the idle limit.
/// Samples of connections are more frequent. In the short time between them, a background task can use more than 1 % of
/// a processor.
bool is_processor_time_due(const Session& session, const std::vector<Duration>& warn_before, BootTime now);

/// Returns the time of the next activity probe of the session, or of the next sample of its connections. If an idle
/// limit applies, the session is probed at the next warning and at the expiry of the limit, and its connections are
/// sampled twenty times within the limit. Otherwise the probe only checks whether the session has gained or lost a
/// terminal, or samples its connections if the session may be displaced by its activity. Returns `never` if no probe is
/// needed.
BootTime next_idle_check(const Session& session, const std::vector<Duration>& warn_before);

/// Returns true if a sample of the session's connections suffices at next_idle_check(). The whole session is probed if
/// a warning or the expiry of the idle limit is due, after a warning, and at least once in a time as long as the limit.
bool is_only_traffic_due(const Session& session, const std::vector<Duration>& warn_before, BootTime now);

/// Returns the time at which an open session, or one that is left behind, needs its next warning, activity probe or
/// termination.
BootTime next_due(const Session& session, const std::vector<Duration>& warn_before);

} // namespace sesslimit::core
