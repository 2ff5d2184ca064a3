// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/client/daemon_client.hpp"

#include <string>

/// Functions that format times, limits and sessions as short texts. `now` is the current time in microseconds since the
/// epoch. The time zone is that of the C library (tzset(3)).
namespace sesslimit::ctl {

/// Formats a time span with its two largest units, such as "1d 4h", "2h 5min", "12min" or "45s". The rest is truncated,
/// so that a remaining time is never overstated. Returns "unlimited" for infinity.
std::string rough(Usec span);

/// Formats a time span exactly, as in a policy file, such as "1d 12h" or "unlimited".
std::string exact(Usec span);

/// Formats a time as "14:02" if it is today, or "2026-11-22 14:02" otherwise. Returns "-" for 0 and for times that the
/// C library cannot represent.
std::string short_time(Usec at, Usec now);

/// Formats a time as "2026-11-23 14:02:05". Returns "-" for 0 and invalid times.
std::string log_time(Usec at);

/// Formats a time as "2026-11-23 14:02:05 UTC (5min ago)" or "... (in 5min)". Returns "-" for 0, "never" for infinity.
std::string long_time(Usec at, Usec now);

/// Returns the time since the last activity in a session, such as "12min", or "-" if it is unknown.
std::string idle_words(const Session& session, Usec now);

/// Describes the next termination of a session by a limit, such as "6h left" or "idle 12min left", or the state
/// "ending" or "waiting". Returns "-" if no limit will terminate the session. The text is in parentheses if the session
/// continues because the mode is observe.
std::string end_text(const Session& session, Usec now);

/// The urgency of the termination that end_text() describes. The urgency determines the color of the text.
enum class Urgency : std::uint8_t { none, soon, now };
Urgency urgency_of(const Session& session, Usec now);

/// Returns the terminals of a session, such as "pts/0, pts/3", or "-" for a session without terminals.
std::string terminals_words(const Session& session);

/// Returns the remote host of a session, or "this host" for a local login.
std::string origin_words(const Session& session);

/// Describes a session in one line, so that a user can recognize it in a confirmation: "session 12 of alice: sshd on
/// pts/0, from 192.0.2.7, since 14:02 (2h 5min)".
std::string session_line(const Session& session, Usec now);

/// Returns the user of a session in a form that every command accepts as an argument. This is the name, or "uid:1001"
/// if the name is not known, must be escaped for display, or contains bytes that are not valid UTF-8.
std::string user_argument(const Session& session);

/// Returns the name of a session's user for display, such as "alice". If sesslimitctl would not accept the displayed
/// name as an argument, appends the user ID, as in "a\x0ab (uid:1001)" for a name that contains a newline.
std::string user_words(const Session& session);

/// Returns true if the session belongs to `user`, a name or "uid:1001" as on the command line (common/user_ref.hpp).
bool belongs_to(const Session& session, const std::string& user);

/// Returns a hint about an argument of digits, which looks like a user ID but is treated as a user name. The hint has
/// no full stop. Returns an empty text for other arguments.
std::string uid_hint(const std::string& user);

/// Returns "1 session", "2 sessions".
std::string counted(std::size_t count, const std::string& what);

} // namespace sesslimit::ctl
