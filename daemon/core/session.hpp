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

/// Identifier of a session, at least 1. Identifiers increase with each new session, and are not reused until the host
/// is rebooted.
enum class SessionKey : std::uint64_t { none = 0 };

/// Identifier of a request that waits for its answer. Identifiers are unique while the daemon runs.
enum class RequestId : std::uint64_t { none = 0 };

namespace core {

/// Phase in the life of a session. docs/architecture.md draws the transitions.
/// The values are stored in the ledger, so a value must never get a new meaning.
enum class Phase : std::uint8_t {
    waiting = 1,  ///< the limit is reached, and the request is queued for a slot; not counted
    admitted = 2, ///< admitted, but logind has not announced a session of the leader, and may never do so
    active = 3,   ///< admitted, and logind has the session
    ending = 4,   ///< termination has begun; the session counts until it is gone
    denied = 5,   ///< login denied; the leader is tracked until its exit, because sshd may continue without a session
    closed = 6,   ///< closed by PAM, or found not to count; the leader is tracked until its exit
};

/// Cause of a termination or a denial. The values are stored in the ledger.
enum class Cause : std::uint8_t {
    none = 0,
    limit_reached = 1, ///< denial because the limit of the user, or the shared limit of the rule in `by`, is reached
    duration = 2,      ///< the duration limit expired
    idle = 3,          ///< the idle limit expired
    leader_gone = 4,   ///< the leader exited without closing the session
    displaced = 5,     ///< a newer login displaced the session or waiting login (at_limit)
    requested = 6,     ///< termination was requested over D-Bus
};

/// Maximum length of Reason::by in bytes, given by the size of its field in the ledger.
inline constexpr std::size_t max_by_length = 255;

/// Cause with its details.
struct Reason {
    Cause cause = Cause::none;
    /// Limit for the causes limit_reached and displaced. For idle, 1 if no terminal is known and the session is not
    /// graphical.
    std::uint32_t count = 0;
    Duration span{}; ///< limit, for duration and idle
    /// Remote host of the newer login for displaced, and name of the requester for requested. For limit_reached, name
    /// of the rule whose shared limit is reached, if any. At most max_by_length bytes.
    std::string by;
    bool operator==(const Reason&) const = default;
};

/// Termination stage of a session. The values are stored in the ledger.
enum class TerminationStage : std::uint8_t {
    pending = 0,      ///< not started; a session displaced right after its admission has no terminal yet
    notified = 1,     ///< the reason was written to the terminals, and the user gets a moment to read it
    sigterm_sent = 2, ///< the session was asked to stop, by logind or by a signal
    sigkill_sent = 3, ///< SIGKILL was sent to all processes of the session
};

/// Progress of the query to logind whether an adopted session was logged out. The query begins when the leader of the
/// session has exited. Not meaningful after a restart.
enum class LogoutCheck : std::uint8_t {
    none,
    first,
    second, ///< logind's first answer was no logout, but PAM can close a session after its leader has exited
};

/// Value of Session::idle_warned if the screen was locked and no activity has followed.
inline constexpr Duration screen_locked{};

/// Login session, from pam_open_session to the exit of all of its processes.
struct Session {
    SessionKey key = SessionKey::none;
    Phase phase = Phase::admitted;
    bool adopted = false;      ///< true if logind reported the session and PAM did not
    bool observed = false;     ///< true if a termination is due, but prevented by mode = "observe"
    bool probe_failed = false; ///< true if the last probe failed. Not meaningful after a restart
    bool graphical = false;    ///< true if logind's type is x11, wayland or mir
    LogoutCheck logout_check = LogoutCheck::none;
    Terminal terminal = Terminal::unknown; ///< presence of a terminal, which selects the idle limit
    Login login;
    Leader leader;         ///< leader process; pid 0: unknown or exited
    std::string logind_id; ///< session ID in logind; empty until logind has the session. At most 64 bytes
    std::string scope; ///< scope unit, such as "session-3.scope"; empty until logind has the session. At most 64 bytes
    BootTime opened{}; ///< time of the request, or of the creation in logind if adopted. Defines the order of arrival
    BootTime admitted{};    ///< time of the admission, later than `opened` after a wait for a slot. 0: not admitted
    BootTime last_input{};  ///< time of the latest activity (activity.hpp), initially `opened`. Never later than now
    BootTime grace_until{}; ///< end of the grace period. No limit terminates the session earlier
    Duration max_duration = unlimited_duration;             ///< duration limit, from the last evaluation of the policy
    Duration idle_timeout = unlimited_duration;             ///< idle limit with a terminal, and of graphical sessions
    Duration idle_timeout_no_terminal = unlimited_duration; ///< idle limit without a terminal
    LastSample last_sample;                                 ///< values of the last activity sample
    BootTime last_notice_at{};                              ///< time of the last notice on the terminals
    Duration duration_warned = unlimited_duration;          ///< shortest issued warning of the duration limit
    Duration idle_warned = unlimited_duration; ///< shortest issued warning of the idle limit since the last activity
    Reason reason;                             ///< reason of the termination or denial
    TerminationStage stage = TerminationStage::pending;
    std::vector<policy::SourceId> shared_limits; ///< rules of the current policy whose shared limits count the session
    RequestId request = RequestId::none;         ///< queued request of a waiting login. Not meaningful after a restart
    BootTime answer_by = never; ///< deadline of the answer to `request`. Not meaningful after a restart
    BootTime due = never;       ///< time of the next action for the session

    bool operator==(const Session&) const = default;
};

/// Returns true if a session in this phase occupies one of its user's slots.
constexpr bool occupies_slot(Phase phase) noexcept {
    return phase == Phase::admitted || phase == Phase::active || phase == Phase::ending;
}

} // namespace core
} // namespace sesslimit
