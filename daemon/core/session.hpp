// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "common/process.hpp"
#include "daemon/core/activity_sample.hpp"
#include "daemon/core/session_traffic.hpp"
#include "daemon/policy/login.hpp"
#include "daemon/policy/policy.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

namespace sesslimit {

/// Identifier of a session, at least 1. Identifiers increase with each new session, and are not reused until the host
/// is rebooted.
enum class SessionKey : std::uint64_t { none = 0 };

/// Identifier of a request of the PAM module that waits for its answer. Identifiers are unique while the daemon runs.
enum class RequestId : std::uint64_t { none = 0 };

namespace core {

/// Phase in the life of a session. docs/architecture.md shows the transitions between phases. The numeric values are
/// stored in the ledger file, so a value must never get a new meaning.
enum class Phase : std::uint8_t {
    /// A limit on the number of sessions is reached, and the login waits for a free session slot. A waiting login does
    /// not count as a session of the user.
    waiting = 1,
    /// The login was admitted, and logind has not announced a session for it yet.
    admitted = 2,
    /// The login was admitted, and logind has a session for it, or has not announced one for Timeouts::logind_wait. In
    /// the second case, logind_id is empty.
    active = 3,
    /// The termination of the session has begun. The session occupies a session slot of its user until all processes of
    /// the session have exited.
    ending = 4,
    /// The login was denied. Its process is tracked until it exits, because sshd may continue without a session.
    denied = 5,
    /// PAM closed the session, or the session does not count toward any limit. The process that opened the session is
    /// tracked until it exits.
    closed = 6,
    /// The user logged out, and processes of the session still run, for example mosh-server or those of setsid(1).
    /// occupies_slot() and is_limited() tell which limits apply to such a session.
    left_behind = 7,
    /// The login occupies a session slot of this host, and waits until the fleet has answered its claim of a slot
    /// (setting max_sessions_fleet).
    asking = 8,
};

/// Cause of the termination of a session, or of the denial of a login. The numeric values are stored in the ledger
/// file.
enum class Cause : std::uint8_t {
    none = 0,
    /// The login was denied because max_sessions of its user is reached, or the shared limit of the policy rule that
    /// Reason::by names.
    limit_reached = 1,
    /// The duration limit of the session expired.
    duration = 2,
    /// The idle limit of the session expired.
    idle = 3,
    /// The process that opened the session exited without closing the session.
    leader_gone = 4,
    /// The session was terminated, or the waiting login was denied, in favor of a newer login of the same user (setting
    /// at_limit).
    displaced = 5,
    /// A D-Bus caller requested the termination of the session, or an administrator requested it on all hosts of the
    /// fleet.
    requested = 6,
    /// logind has probably stopped the session because it was idle (StopIdleSessionSec of logind.conf(5)). Only the
    /// cause that notices name, and never that of a session (Session::idle_stop).
    logind_idle = 7,
    /// The login was denied because max_sessions_fleet of its user is reached.
    fleet_limit_reached = 8,
    /// The login was denied because the fleet did not answer whether max_sessions_fleet is reached (setting
    /// on_fleet_error).
    fleet_unavailable = 9,
};

/// Maximum length of Reason::by in bytes. A session with a longer text cannot be recorded in the ledger file.
inline constexpr std::size_t max_by_length = 255;

/// Maximum length in bytes of the message with which a requester explains a termination.
inline constexpr std::size_t max_note_length = 256;

/// A session that occupies a slot of its user in the fleet.
struct FleetHolder {
    std::string host;        ///< name of the host in the fleet
    std::uint64_t since = 0; ///< start of the session in seconds since the Epoch; 0 if it is not known
    bool operator==(const FleetHolder&) const = default;
};

/// The sessions that occupy the slots of a user in the fleet.
struct FleetHolders {
    std::uint32_t count = 0;          ///< number of sessions; 0 if they are not known
    std::vector<FleetHolder> named{}; ///< some of the sessions
    bool operator==(const FleetHolders&) const = default;
};

/// Cause of a termination or denial, with its details.
struct Reason {
    Cause cause = Cause::none;
    /// Number that belongs to the cause. For limit_reached, displaced, fleet_limit_reached and fleet_unavailable, the
    /// maximum number of sessions. For idle, 0 if only input counts as activity in the session, otherwise 1. For
    /// requested, the user ID of the person (Requester).
    std::uint32_t count = 0;
    /// For the causes duration and idle, the value of the limit that expired. For logind_idle, StopIdleSessionSec.
    Duration span{};
    /// Text that belongs to the cause. For displaced, the remote host of the newer login. For requested, the name of
    /// the person. For limit_reached, the name of the policy rule whose shared limit is reached, or empty if
    /// max_sessions is reached. At most max_by_length bytes.
    std::string by;
    /// Line of the policy that sets the limit which the cause names: max_sessions or max_sessions_total, max_duration,
    /// or an idle limit. For displaced, max_sessions of the newer login. Null if it is not known. Not stored in the
    /// ledger file.
    std::shared_ptr<const policy::Location> limit{};
    /// For requested, the name of the user whose ID is `count`. Empty if it is not known. Not stored in the ledger
    /// file.
    std::string person{};
    /// For fleet_limit_reached, the sessions that occupy the slots of the user. Not stored in the ledger file.
    FleetHolders holders{};

    friend bool operator==(const Reason& one, const Reason& other) {
        const bool has_same_limit = one.limit && other.limit ? *one.limit == *other.limit : one.limit == other.limit;
        return has_same_limit &&
               std::tie(one.cause, one.count, one.span, one.by, one.person, one.holders) ==
                   std::tie(other.cause, other.count, other.span, other.by, other.person, other.holders);
    }
};

/// Stage that the termination of a session has reached. The numeric values are stored in the ledger file.
enum class TerminationStage : std::uint8_t {
    /// No action was taken yet. If a session is terminated right after its admission in favor of a newer login, the
    /// daemon waits until the session has a terminal.
    pending = 0,
    /// The reason of the termination was written to the terminals of the session. SIGTERM follows after a short delay,
    /// so that the user can read the reason.
    notified = 1,
    /// The session was asked to stop, by logind or by a signal.
    sigterm_sent = 2,
    /// SIGKILL was sent to all processes of the session.
    sigkill_sent = 3,
};

/// Progress of the query to logind whether a session was logged out. The query is sent only for sessions that the PAM
/// module did not report, after the process that opened the session has exited. Not meaningful after a restart of the
/// daemon.
enum class LogoutCheck : std::uint8_t {
    none,
    first,
    /// logind answered that the session was not logged out, and is asked a second time. When the process that opened
    /// the session exits, PAM may not have closed the session yet.
    second,
};

/// Claim of a login or a session for one of the slots that its user has in the fleet (setting max_sessions_fleet).
enum class FleetClaim : std::uint8_t {
    none,
    /// The fleet records the session, even if the limit is reached. No login waits for an answer, for example
    /// because logind has announced the session, or because the limit is only observed.
    recorded,
    /// The login waits for the answer to its claim.
    asked,
    /// The fleet has given a slot to the login, or did not answer, and this host has decided alone.
    granted,
};

/// Value of Session::idle_warned after the daemon has locked the screen of the session, until the next activity of the
/// user.
inline constexpr Duration screen_locked{};

/// A time span in whole seconds.
using WholeSeconds = std::chrono::duration<std::uint32_t>;

/// Login session, from pam_open_session to the exit of all processes of the session.
struct Session {
    SessionKey key = SessionKey::none;
    Phase phase = Phase::admitted;
    /// True if the daemon learned about the session from logind, and not from the PAM module.
    bool adopted = false;
    /// True if a termination of the session is due, but is prevented by mode = "observe".
    bool observed = false;
    /// True if the last activity probe of the session failed. Not meaningful after a restart of the daemon.
    bool probe_failed = false;
    /// True if the type of the logind session is x11, wayland or mir.
    bool graphical = false;
    /// True if `scope` is not a session scope, but the scope of the programs that the policy preserved when it
    /// terminated a session. No limit applies to such a session, which has no logind ID and is in phase left_behind or
    /// ending.
    bool kept = false;
    /// True if the policy counts the session also after its user has logged out (setting count_left_behind). Not stored
    /// in the ledger file.
    bool counts_left_behind = false;
    /// True if the policy limits the session also after its user has logged out (setting limit_left_behind). Not stored
    /// in the ledger file.
    bool limits_left_behind = false;
    /// True if the session is used by mosh: after the logout, it has a UDP socket, and its terminal had input. Only set
    /// in phase left_behind. Not stored in the ledger file, because it is determined again by a probe.
    bool is_used_by_mosh = false;
    /// True if a login waits for the processes of a session that was just logged out, and the user's other sessions
    /// have not been considered yet. Only set in phase waiting. Not meaningful after a restart of the daemon.
    bool awaits_logout = false;
    /// True if the fleet has recorded the session beyond the limit. Not stored in the ledger file.
    bool is_beyond_fleet_limit = false;
    /// Not stored in the ledger file. decide() sets it in each record of a session, and it is `none` unless the session
    /// occupies a slot of this host, or waits for one.
    FleetClaim fleet_claim = FleetClaim::none;
    /// Number of sessions that the user may have in the fleet, from the last evaluation of the policy. 0: unlimited.
    std::uint16_t fleet_limit = 0;
    LogoutCheck logout_check = LogoutCheck::none;
    /// Presence of a terminal in the session. It determines which of the two idle limits applies.
    Terminal terminal = Terminal::unknown;
    /// Source of the activity at `last_input`. Not stored in the ledger file.
    Source last_source = Source::none;
    TerminationStage stage = TerminationStage::pending;
    /// Longest time without activity that a probe of the session has found. A longer one may have passed between two
    /// probes.
    WholeSeconds longest_idle{};
    Login login;
    /// Process that opened the session; pid 0: the process is unknown or has exited.
    Leader leader;
    /// Session ID in logind. Empty until logind has the session. At most 64 bytes.
    std::string logind_id;
    /// Scope unit of the session, such as "session-3.scope". Empty until logind has the session. At most 64 bytes.
    std::string scope;
    /// Time of the request by the PAM module. If the daemon learned the session from logind, time of the session's
    /// creation in logind. Defines the order in which sessions arrived.
    BootTime opened{};
    /// Time at which the login was admitted. Later than `opened` if the login waited for a session slot. 0: the login
    /// was not admitted.
    BootTime admitted{};
    /// Time at which the PAM module reported the logout, or logind for sessions that the module does not report. 0: the
    /// user has not logged out.
    BootTime logged_out{};
    /// Time of the latest activity in the session (activity.hpp), except for data on its connections. Initially
    /// `opened`. Never later than the current time.
    BootTime last_input{};
    /// Data on the connections of the session; null: they were not sampled yet. The copies of a session share it, so it
    /// is replaced and never changed. Not stored in the ledger file.
    std::shared_ptr<const SessionTraffic> traffic;
    /// Latest time at which the session may have been active, although its activity probes did not detect any activity.
    /// Only used to protect the session from displacement (displace_idle). Not stored in the ledger file.
    BootTime perhaps_used{};
    /// End of the grace period of the session. No limit terminates the session before this time.
    BootTime grace_until{};
    /// Duration limit of the session, from the last evaluation of the policy.
    Duration max_duration = unlimited_duration;
    /// Idle limit of a session that is graphical or has a terminal.
    Duration idle_timeout = unlimited_duration;
    /// Idle limit of a session that is not graphical and does not have a terminal.
    Duration idle_timeout_no_terminal = unlimited_duration;
    /// Values from the last activity probe of the session.
    LastSample last_sample;
    /// Time at which the daemon last wrote a notice to the terminals of the session.
    BootTime last_notice_at{};
    /// Time at which the terminals of the session last showed a notice about a denied login. Not stored in the ledger
    /// file.
    BootTime last_denial_notice_at{};
    /// Time before the expiry of the duration limit at which the last warning was issued; unlimited_duration: no
    /// warning was issued.
    Duration duration_warned = unlimited_duration;
    /// Time before the expiry of the idle limit at which the last warning since the user's last activity was issued;
    /// unlimited_duration: no warning was issued.
    Duration idle_warned = unlimited_duration;
    /// Reason for which the session is terminated or the login was denied.
    Reason reason;
    /// Value of StopIdleSessionSec (logind.conf(5)) if logind has probably stopped the session because it was idle,
    /// otherwise 0. Not stored in the ledger file.
    Duration idle_stop{};
    /// Rules of the current policy that count the session toward their shared limit (max_sessions_total).
    std::vector<policy::SourceId> shared_limits;
    /// Request of a login that waits for a session slot. Not meaningful after a restart of the daemon.
    RequestId request = RequestId::none;
    /// Deadline of the answer to this request. Not meaningful after a restart of the daemon.
    BootTime answer_by = never;
    /// Time at which the login does not wait any longer for the answer of the fleet to its claim. Only set if
    /// fleet_claim is `asked`. Not meaningful after a restart of the daemon.
    BootTime claim_until = never;
    /// Time at which the session needs its next action, such as a warning or an activity probe.
    BootTime due = never;

    bool operator==(const Session&) const = default;
};

/// Returns true if the session is one of Cockpit, which has no terminal and no hint that shows whether it is used. Its
/// page "Terminal" opens a pseudoterminal, whose input says nothing about the other pages.
inline bool is_web(const Session& session) noexcept {
    return session.login.service == "cockpit";
}

/// Returns the data on the connections of the session. Lifetime: the reference is valid as long as the session and its
/// member `traffic`.
inline const SessionTraffic& traffic_of(const Session& session) noexcept {
    static const SessionTraffic none;
    return session.traffic ? *session.traffic : none;
}

/// Returns the time of the latest activity in the session.
inline BootTime last_use_of(const Session& session) noexcept {
    return std::max(session.last_input, traffic_of(session).use.last);
}

/// Returns true if the session occupies one of the session slots that max_sessions permits its user. After the user has
/// logged out, the session occupies a slot only if the policy counts it (count_left_behind).
inline bool occupies_slot(const Session& session) noexcept {
    switch (session.phase) {
    case Phase::asking:
    case Phase::admitted:
    case Phase::active:
        return true;
    case Phase::ending:
        return session.logged_out == BootTime{} || session.counts_left_behind;
    case Phase::left_behind:
        return session.counts_left_behind;
    case Phase::closed: // its processes may still run
        return session.counts_left_behind && session.logged_out != BootTime{} && !session.logind_id.empty();
    case Phase::waiting:
    case Phase::denied:
        break;
    }
    return false;
}

/// Returns true if max_duration and the idle limits apply to the session, and logind has announced it. After the user
/// has logged out, they apply only if the policy says so (limit_left_behind), or if the session is used by mosh.
inline bool is_limited(const Session& session) noexcept {
    return session.phase == Phase::active ||
           (session.phase == Phase::left_behind && (session.limits_left_behind || session.is_used_by_mosh));
}

/// Returns true if probes determine the last activity of the session.
inline bool is_probed(const Session& session) noexcept {
    return session.phase == Phase::active || (session.phase == Phase::left_behind && !session.kept);
}

/// Returns true if a termination of the session can be requested.
inline bool is_terminable(const Session& session) noexcept {
    return session.phase == Phase::admitted || session.phase == Phase::active || session.phase == Phase::left_behind;
}

/// Returns true if the user of a session was warned about its idle limit, and has not become active since. Returns
/// false if the screen of the session was locked instead.
inline bool is_idle_warned(const Session& session) noexcept {
    return is_limited(session) && session.idle_warned != unlimited_duration && session.idle_warned != screen_locked;
}

} // namespace core
} // namespace sesslimit
