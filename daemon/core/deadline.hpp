// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/session.hpp"

#include <optional>
#include <vector>

/// Deadlines of a session's limits. Pure arithmetic over a session and its warning offsets (`warn_before`, longest
/// first). The functions use the limits that are stored in the session. These are the limits of its last evaluation.
namespace sesslimit::core {

/// Returns the time at which the duration limit expires, or `never` without a limit. The result is not earlier than
/// Session::grace_until.
BootTime duration_end(const Session& session);

/// Returns the idle limit that applies to the session, which depends on whether the session has a terminal. Returns the
/// shorter of the two limits while the presence of a terminal is unknown.
Duration idle_limit(const Session& session);

/// Returns the time at which the idle limit expires without further activity. Returns `never` without a limit. Also
/// returns `never` before logind has the session, because the daemon finds terminals through the session's scope.
BootTime idle_end(const Session& session);

/// Returns the shortest warning that is due and has not been issued. Longer warnings that were missed are skipped.
std::optional<Duration> duration_warning(const Session& session, const std::vector<Duration>& warn_before,
                                         BootTime now);
std::optional<Duration> idle_warning(const Session& session, const std::vector<Duration>& warn_before, BootTime now);

/// Returns true if the limit requires a warning before its expiry and no warning has been issued yet.
bool is_duration_warning_owed(const Session& session, const std::vector<Duration>& warn_before);
bool is_idle_warning_owed(const Session& session, const std::vector<Duration>& warn_before);

/// Returns the time of the next action for the duration limit: the next warning or the expiry. Returns `never` without
/// a limit.
BootTime next_duration_check(const Session& session, const std::vector<Duration>& warn_before);

/// Returns the time of the next activity probe. Under an idle limit, this is the time of the next warning or of the
/// expiry. A session without an idle limit may still gain or lose a terminal. The other idle limit applies after such a
/// change. If the other limit is set, returns the time to check for such a change. Returns `never` if both limits are
/// unlimited.
BootTime next_idle_check(const Session& session, const std::vector<Duration>& warn_before);

/// Returns the time of the next action for an open session.
BootTime next_due(const Session& session, const std::vector<Duration>& warn_before);

} // namespace sesslimit::core
