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

/// Identifier of a session. It is at least 1, increases with each new session, and is never reused until the host is
/// rebooted.
enum class SessionKey : std::uint64_t { none = 0 };

/// Identifier of a request that waits for its answer. It is unique while the daemon runs.
enum class RequestId : std::uint64_t { none = 0 };

namespace core {

/// Phase in the life of a session. docs/architecture.md draws the transitions.
/// The values are stored in the ledger, so a value must never get a new meaning.
enum class Phase : std::uint8_t {
    waiting = 1,  ///< at the limit; its request is queued until another session is gone; not counted
    admitted = 2, ///< admitted; logind does not have a session of its leader yet, or never will
    active = 3,   ///< admitted, and logind has a session of it
    ending = 4,   ///< termination has begun; counted until it is gone
    denied = 5,   ///< login denied; tracked until its leader exits, because sshd may continue without a session
    closed = 6,   ///< closed by PAM, or found not to count; tracked until its leader exits
};

/// Cause of a termination or a denial. The values are stored in the ledger.
enum class Cause : std::uint8_t {
    none = 0,
    limit_reached = 1, ///< denial: the limit of the user, or the shared limit of a rule (`by`), is reached
    duration = 2,      ///< the duration limit expired
    idle = 3,          ///< the idle limit expired
    leader_gone = 4,   ///< its leader exited without closing it
    displaced = 5,     ///< a newer login displaced it (at_limit)
    requested = 6,     ///< termination was requested over D-Bus
};

/// Maximum length of Reason::by in bytes, given by the size of its field in the ledger.
inline constexpr std::size_t max_by_length = 255;

/// Cause with its details.
struct Reason {
    Cause cause = Cause::none;
    std::uint32_t count = 0; ///< limit_reached, displaced: the limit; idle: 1 if no terminal could show any use
    Duration span{};         ///< duration, idle: the limit
    std::string by;          ///< displaced: remote host of the newer login; asked: name of the requester;
                             ///< limit_reached: rule whose shared limit is reached, if any. At most max_by_length
    bool operator==(const Reason&) const = default;
};

/// Termination stage of a session. The values are stored in the ledger.
enum class TerminationStage : std::uint8_t {
    pending = 0,      ///< not started, because a login that was just displaced does not have its terminal yet
    notified = 1,     ///< the reason was written to its terminals, and needs a moment to reach the user
    sigterm_sent = 2, ///< it was asked to stop, by logind or by a signal
    sigkill_sent = 3, ///< SIGKILL was sent to all of its processes
};

/// State of the check whether an adopted session, whose leader has exited, was logged out. logind is asked for it.
/// Not meaningful after a restart.
enum class LogoutCheck : std::uint8_t {
    none,
    first,
    second, ///< logind did not know of a logout at first: PAM can close a session after its leader has exited
};

/// Value of Session::idle_warned if its screen was locked and the session has not been used since.
inline constexpr Duration screen_locked{};

/// Login session, from pam_open_session to the exit of all of its processes.
struct Session {
    SessionKey key = SessionKey::none;
    Phase phase = Phase::admitted;
    bool adopted = false;      ///< reported by logind, never by PAM
    bool observed = false;     ///< its termination is due, but mode = "observe" prevents it
    bool probe_failed = false; ///< the last probe failed; not meaningful after a restart
    bool graphical = false;    ///< logind's type is x11, wayland or mir
    LogoutCheck logout_check = LogoutCheck::none;
    Terminal terminal = Terminal::unknown; ///< selects the idle limit that applies
    Login login;
    Leader leader;          ///< pid 0: unknown or exited
    std::string logind_id;  ///< session ID in logind; empty until logind has it. At most 64 bytes
    std::string scope;      ///< its unit, "session-3.scope"; empty until logind has it. At most 64 bytes
    BootTime opened{};      ///< time of the request, or of creation in logind if adopted; the order of arrival
    BootTime admitted{};    ///< time of the admission, later than `opened` if it waited for a slot. 0: not admitted
    BootTime last_input{};  ///< latest detected use (activity.hpp); initially `opened`, never later than now
    BootTime grace_until{}; ///< end of the grace period after an unannounced limit; no limit terminates it earlier
    Duration max_duration = unlimited_duration; ///< limits of the last evaluation, of which its user could know
    Duration idle_timeout = unlimited_duration; ///< applies with a terminal, and to graphical sessions
    Duration idle_timeout_no_terminal = unlimited_duration; ///< applies without a terminal
    LastSample last_sample;                                 ///< last sample
    BootTime last_notice_at{};                              ///< time of the last notice on its terminals
    Duration duration_warned = unlimited_duration;          ///< shortest issued warning of its duration limit
    Duration idle_warned = unlimited_duration;              ///< the same for its idle limit; unlimited again after use
    Reason reason;                                          ///< reason of its termination or denial
    TerminationStage stage = TerminationStage::pending;
    std::vector<policy::SourceId> shared_limits; ///< rules whose max_sessions_total counts it, by the current policy
    RequestId request = RequestId::none;         ///< queued request, while waiting. Not meaningful after a restart
    BootTime answer_by = never;                  ///< deadline of its answer. Not meaningful after a restart
    BootTime due = never;                        ///< time of the next action for it

    bool operator==(const Session&) const = default;
};

/// Returns true if a session in this phase occupies one of its user's slots.
constexpr bool occupies_slot(Phase phase) noexcept {
    return phase == Phase::admitted || phase == Phase::active || phase == Phase::ending;
}

} // namespace core
} // namespace sesslimit
