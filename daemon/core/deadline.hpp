// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/session.hpp"

#include <optional>
#include <vector>

/// Deadlines of a session's limits. Pure arithmetic over a session and its warning offsets (`warn_before`, longest
/// first). The limits are those of the last evaluation, which are stored in the session.
namespace sesslimit::core {

/// Returns the time at which the duration limit expires, or `never` without a limit. The result is not earlier than
/// Session::grace_until.
BootTime duration_end(const Session& session);

/// Returns the idle limit that applies to the session: the one for sessions with or without a terminal. Returns the
/// shorter one while it is unknown whether the session has a terminal.
Duration idle_limit(const Session& session);

/// Returns the time at which the idle limit expires without further activity. Returns `never` without a limit,
/// and before logind has the session, because its terminals are found through its scope.
BootTime idle_end(const Session& session);

/// Returns the shortest warning that is due and was not issued. Longer warnings that were missed are skipped.
std::optional<Duration> duration_warning(const Session& session, const std::vector<Duration>& warn_before,
                                         BootTime now);
std::optional<Duration> idle_warning(const Session& session, const std::vector<Duration>& warn_before, BootTime now);

/// Returns true if a warning is to be issued before the limit expires and none has been issued yet.
bool is_duration_warning_owed(const Session& session, const std::vector<Duration>& warn_before);
bool is_idle_warning_owed(const Session& session, const std::vector<Duration>& warn_before);

/// Returns the time of the next action for the duration limit: the next warning or the expiry. Returns `never` without
/// a limit.
BootTime next_duration_check(const Session& session, const std::vector<Duration>& warn_before);

/// Returns the time of the next activity probe. Under an idle limit, it is the time of the next warning or of the
/// expiry. A session without one may still gain or lose a terminal, after which the other idle limit applies. If that
/// one is set, returns the time to check for such a change. Returns `never` if both limits are unlimited.
BootTime next_idle_check(const Session& session, const std::vector<Duration>& warn_before);

/// Returns the time of the next action for an open session.
BootTime next_due(const Session& session, const std::vector<Duration>& warn_before);

} // namespace sesslimit::core
