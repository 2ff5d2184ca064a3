// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/client/daemon_client.hpp"

#include <string>

/// Short words for times and limits. `now` is the realtime of the reader; the time zone is the C library's (tzset(3)).
namespace sesslimit::ctl {

/// A span as a person says it, its two largest units and cut off, so that "left" never promises more than there is:
/// "1d 4h", "2h 5min", "12min", "45s". "unlimited" for infinity.
std::string rough(Usec span);

/// A span exactly, as the policy writes it: "1d 12h", "unlimited".
std::string exact(Usec span);

/// "14:02" of today, "2026-11-22 14:02" of another day; "-" where it is 0 or beyond what the C library can tell.
std::string short_time(Usec at, Usec now);

/// "2026-11-23 14:02:05"; "-" for 0 and what is no time.
std::string log_time(Usec at);

/// "2026-11-23 14:02:05 UTC (5min ago)", "... (in 5min)"; "-" for 0, "never" for infinity.
std::string long_time(Usec at, Usec now);

/// How long the session has been without its user: "12min", "-" where that is not known.
std::string idle_words(const Session& session, Usec now);

/// What ends the session, and when: "6h left", "idle 12min left", "ending", "waiting", "-" where nothing does. In
/// parentheses where that would be so if the mode were not observe.
std::string ends_words(const Session& session, Usec now);

/// How urgent that is, for the colour of it.
enum class Urgency : std::uint8_t { none, soon, now };
Urgency urgency_of(const Session& session, Usec now);

/// "pts/0, pts/3"; "-" for none.
std::string terminals_words(const Session& session);

/// "this host" where there is no remote one.
std::string origin_words(const Session& session);

/// One session in one line, to be recognised by who is asked about it:
/// "session 12 of alice: sshd on pts/0, from 192.0.2.7, since 14:02 (2h 5min)".
std::string session_line(const Session& session, Usec now);

/// Returns the user of a session as every command accepts it: the name, or "uid:1001" if the name is not known or was
/// escaped by the daemon.
std::string user_argument(const Session& session);

/// Returns the user of a session for a reader: "alice", or "a\x0ab (uid:1001)" if the name is not an argument itself.
std::string user_words(const Session& session);

/// Returns true if the session belongs to that user, who is given as on the command line (common/user_ref.hpp).
bool belongs_to(const Session& session, const std::string& user);

/// Returns a sentence, without a full stop, about an argument that looks like a user ID and is a name; else nothing.
std::string uid_hint(const std::string& user);

/// "1 session", "2 sessions".
std::string counted(std::size_t count, const std::string& what);

} // namespace sesslimit::ctl
