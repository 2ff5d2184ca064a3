// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/session.hpp"

#include <optional>
#include <vector>

/// When a session's limits fall due. Pure arithmetic over a session and the warnings that its user is owed
/// (`warn_before`: longest first). A limit by itself is that which the session was last judged by.
namespace sesslimit::core {

/// When it has lasted too long; `never` without a limit. Not before Session::grace_until.
BootTime duration_end(const Session& session);

/// The idle limit that is its own: with or without a terminal; the shorter one while that is not known.
Duration idle_limit(const Session& session);

/// When nobody will have been there for too long, if no input comes; `never` without a limit, and before logind has
/// the session: its terminals are found through its scope.
BootTime idle_end(const Session& session);

/// The shortest warning that should have been said by now and was not; longer ones that were missed are passed over.
std::optional<Duration> duration_warning(const Session& session, const std::vector<Duration>& warn_before,
                                         BootTime now);
std::optional<Duration> idle_warning(const Session& session, const std::vector<Duration>& warn_before, BootTime now);

/// Whether a warning should be said before it ends, and none was said yet.
bool is_duration_warning_owed(const Session& session, const std::vector<Duration>& warn_before);
bool is_idle_warning_owed(const Session& session, const std::vector<Duration>& warn_before);

/// When something must be done about its duration next: the next warning, or the end; `never` without a limit.
BootTime next_duration_check(const Session& session, const std::vector<Duration>& warn_before);

/// When its idleness must be looked at: the next idle warning, or the end; without a limit, whether it has come under
/// the one for sessions with a terminal, or without. `never`: neither is limited.
BootTime next_idle_check(const Session& session, const std::vector<Duration>& warn_before);

/// When something must be done about an open session next.
BootTime next_due(const Session& session, const std::vector<Duration>& warn_before);

} // namespace sesslimit::core
