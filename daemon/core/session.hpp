// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "common/process.hpp"
#include "daemon/core/activity_sample.hpp"
#include "daemon/policy/login.hpp"
#include "daemon/policy/policy.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sesslimit {

/// Names a session for as long as the host is up: counts from 1, is never given twice.
enum class SessionKey : std::uint64_t { none = 0 };

/// Names a request that waits for its answer, for as long as the daemon runs.
enum class RequestId : std::uint64_t { none = 0 };

namespace core {

/// Where a session is in its life. docs/architecture.md draws the way between them.
/// The numbers stand in the ledger: never give one a new meaning.
enum class Phase : std::uint8_t {
    waiting = 1,  ///< at the limit, and its request is kept until another session is gone; not counted
    admitted = 2, ///< admitted; logind shows no session of its leader yet, or never will
    active = 3,   ///< admitted, and logind has it
    ending = 4,   ///< told to end; counted until it is gone
    denied = 5,   ///< not let in; held until its leader is gone, because sshd may go on without a session
    closed = 6,   ///< closed by PAM, or found to be none that counts; held until its leader is gone
};

/// Why a session is ended, or was denied. The numbers stand in the ledger.
enum class Cause : std::uint8_t {
    none = 0,
    limit_reached = 1, ///< denied: as many sessions as allowed are open, of the user or (`by`) of all of a rule
    duration = 2,      ///< it lasted as long as a session may
    idle = 3,          ///< nobody was there
    leader_gone = 4,   ///< its leader died without closing it
    displaced = 5,     ///< a newer login took its place (at_limit)
    requested = 6,     ///< somebody asked for it
};

/// Longest text of Reason::by, in bytes: the ledger has room for no more.
inline constexpr std::size_t max_by_length = 255;

/// A cause with what must be said about it.
struct Reason {
    Cause cause = Cause::none;
    std::uint32_t count = 0; ///< limit_reached, displaced: the limit; idle: 1 where no terminal could show any use
    Duration span{};         ///< duration, idle: the limit
    std::string by;          ///< displaced: from where the new login came; asked: who asked;
                             ///< limit_reached: the rule whose total is reached. At most max_by_length
    bool operator==(const Reason&) const = default;
};

/// How far the ending of a session has gone. The numbers stand in the ledger.
enum class TerminationStage : std::uint8_t {
    pending = 0,      ///< not yet: a login that was displaced while it came about still gets its terminal
    notified = 1,     ///< the reason is on its terminals; the terminal needs a moment to reach the user
    sigterm_sent = 2, ///< logind, or a signal, asked it to stop
    sigkill_sent = 3, ///< SIGKILL was sent to all of it
};

/// Whether logind is being asked if an adopted session, whose leader has exited, was logged out. Means nothing after a
/// restart.
enum class LogoutCheck : std::uint8_t {
    none,
    first,
    second, ///< logind did not know of a logout at first: PAM can close a session after its leader has exited
};

/// Session::idle_warned of one whose screen was locked, and that nobody has used since.
inline constexpr Duration screen_locked{};

/// One login, from pam_open_session to the exit of everything that belongs to it.
struct Session {
    SessionKey key = SessionKey::none;
    Phase phase = Phase::admitted;
    bool adopted = false;      ///< PAM never told us of it: logind did
    bool observed = false;     ///< its end is due, but mode = "observe" leaves it alone
    bool probe_failed = false; ///< the last look at it showed nothing; means nothing after a restart
    bool graphical = false;    ///< logind's type is x11, wayland or mir
    LogoutCheck logout_check = LogoutCheck::none;
    Terminal terminal = Terminal::unknown; ///< which of the idle limits is its own
    Login login;
    Leader leader;          ///< pid 0 where nobody knows
    std::string logind_id;  ///< logind's name for it; empty until logind has it. At most 64 bytes
    std::string scope;      ///< its unit, "session-3.scope"; empty until logind has it. At most 64 bytes
    BootTime opened{};      ///< asked for: the order of coming
    BootTime admitted{};    ///< let in: later than `opened` where it had to wait for a place. 0: it was not
    BootTime last_input{};  ///< the youngest sign of use (activity.hpp): `opened` at first, never later than now
    BootTime grace_until{}; ///< no limit ends it before this: the grace of a session that a limit took by surprise
    Duration max_duration = unlimited_duration; ///< the limits it was last judged by: what its user could know of
    Duration idle_timeout = unlimited_duration; ///< with a terminal, and of graphical ones
    Duration idle_timeout_no_terminal = unlimited_duration; ///< without
    LastSample last_sample;                                 ///< by the last look
    BootTime last_notice_at{};                              ///< when a notice was last written to its terminals
    Duration duration_warned = unlimited_duration; ///< the shortest `warn_before` that was said about its duration
    Duration idle_warned = unlimited_duration;     ///< the same about its idleness; unlimited again after use
    Reason reason;                                 ///< ending and denied: why
    TerminationStage stage = TerminationStage::pending;
    std::vector<policy::SourceId>
        shared_limits;                   ///< the rules whose max_sessions_total it counts in; as the policy has it now
    RequestId request = RequestId::none; ///< waiting: who waits. Means nothing after a restart
    BootTime answer_by = never;          ///< waiting: by when that request must have its answer. The same
    BootTime due = never;                ///< when something must be done about it next

    bool operator==(const Session&) const = default;
};

/// Whether it takes one of its user's places.
constexpr bool occupies_slot(Phase phase) noexcept {
    return phase == Phase::admitted || phase == Phase::active || phase == Phase::ending;
}

} // namespace core
} // namespace sesslimit
