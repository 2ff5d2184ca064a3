// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/displacements.hpp"
#include "daemon/core/session.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// Decision of the core about an event. It consists of records (changes of sessions), answers to the PAM module, and
/// effects such as notices and signals. The daemon processes the records first, then the answers, then the effects.
namespace sesslimit::core {

/// Record that adds a session to the core's state, or replaces the session with the same key. The core's state is
/// changed only by records.
struct Put {
    Session session;
};

/// Record that removes a session from the core's state.
struct Drop {
    SessionKey session = SessionKey::none;
};

/// Record that replaces the recent displacements of a user. It is not stored in the ledger file.
struct PutDisplacements {
    uid_t uid = 0;
    Displacements displacements;
};

/// State of the fleet, as far as this host knows it.
enum class FleetState : std::uint8_t {
    down,       ///< Claims are not answered, or nothing connects this host to the fleet.
    connecting, ///< The state is not known yet. Claims wait for the connection.
    up,         ///< Claims are answered.
};

/// Record of the state of the fleet. It is not stored in the ledger file.
struct PutFleetState {
    FleetState state = FleetState::down;
};

using Record = std::variant<Put, Drop, PutDisplacements, PutFleetState>;

/// Answer to a request of the PAM module.
struct Answer {
    enum class Kind : std::uint8_t {
        admitted,
        uncounted,
        denied,
        noted,
        /// Request to the PAM module to wait longer than the timeout that the module has set for the answer (the
        /// budget). The final answer follows at the latest at Session::answer_by.
        wait,
    };
    RequestId request = RequestId::none;
    Kind kind = Kind::noted;
    /// Session of the login. Only set if the login is admitted, denied or waiting.
    Session session;
    /// Template of the text that explains a denial to the user (daemon/policy/template.hpp). If the template is empty,
    /// the built-in text is used.
    std::string message{};
    /// Value of the setting idle_activity. Only present if the login is admitted and its limits are announced to the
    /// user.
    std::optional<policy::Activity> announce{};
    /// True if the user of a denied login is not shown the reason (setting `quiet`).
    bool quiet = false;
};

/// Notice about a session to its user, the administrator or an auditor. Depending on its kind, the notice is written to
/// terminals and the journal, or sent as a D-Bus signal.
struct Notice {
    enum class Kind : std::uint8_t {
        admitted,
        /// logind reported a session that the PAM module did not request. The daemon adopts the session, and counts it
        /// as a session of the user.
        adopted,
        denied,
        /// The login was admitted although a limit is reached, because limits are only observed (mode = "observe").
        would_deny,
        /// The session will be terminated, or its screen will be locked, when the time `left` is over. The cause is
        /// `reason`.
        warned,
        /// The user became active again after a warning about idleness.
        kept,
        /// The session is idle, and its screen is locked.
        locked,
        /// The termination of the session begins. Its cause is `reason`.
        ending,
        /// The session would have been terminated, or its screen locked, because of `reason`, but mode = "observe"
        /// prevents this.
        would_end,
        /// The session did not exit on request, and SIGKILL is sent.
        forced,
        /// All processes of the session have exited after its termination.
        ended,
        /// PAM closed the session, or the processes of the session exited by themselves.
        released,
        /// The user already has more sessions than the new policy permits. The daemon only reports this, and does not
        /// terminate a session.
        over_limit,
        /// Logins have displaced sessions of the user so often that the limit on their rate applies from now on
        /// (Displacements).
        displacement_limited,
        /// The login was admitted although the fleet did not answer its claim (setting on_fleet_error). Its session is
        /// recorded later.
        fleet_unsure,
        /// The fleet has recorded the session although the limit of its user is reached.
        fleet_over_limit,
    };
    Kind kind = Kind::admitted;
    /// State of the session after the decision.
    Session session;
    Reason reason;
    Duration left{};
    /// Template of the text that explains a termination to the user (daemon/policy/template.hpp). If the template is
    /// empty, the built-in text is used.
    std::string message{};
    /// Message of the person who requested the termination. Only set in a notice of the kind `ending`.
    std::string note{};
    /// True if the user does not get texts in programs (setting `quiet`). Only set in a notice of the kind `ending`.
    bool quiet = false;
    /// Time since the login. Only set in notices of the kinds `ended` and `released`.
    std::optional<Duration> duration{};
    /// Sources by which the session is kept. Only set in a notice of the kind `warned`.
    Sources sources{};
    /// True if the expiry of the idle limit locks the screen instead of terminating the session. Only set in notices of
    /// the kinds `warned` and `would_end`.
    bool locks = false;
};

/// Request for an activity probe, which determines when a session was last used. The event ActivityProbed reports the
/// result.
struct ProbeActivity {
    SessionKey session = SessionKey::none;
};

/// Request for a sample of the session's connections, which are inspected more often than the rest of the session. The
/// event TrafficSampled reports the result.
struct SampleTraffic {
    SessionKey session = SessionKey::none;
};

/// Query to logind whether a session was logged out, sent after the process that opened the session has exited. The
/// event LogoutChecked reports the answer.
struct CheckLogout {
    SessionKey session = SessionKey::none;
    std::string logind_id;
};

/// Request to logind to stop a session. If the user has not logged out, the request is TerminateSession. logind does
/// not stop the scope of a session that is already closing, so the request is then KillSession with SIGTERM.
struct Terminate {
    std::string logind_id;
    SessionKey session = SessionKey::none;
    bool is_closing = false; ///< true if the user has logged out
    /// Names of the programs that are moved to another scope before the termination.
    std::vector<std::string> keep;
};

/// Request to logind to lock the screen of a graphical session (LockSession).
struct Lock {
    std::string logind_id;
};

/// Request to logind to send SIGKILL to all processes of a session (KillSession).
struct KillAll {
    std::string logind_id;
};

/// Request to systemd to send a signal to all processes in a scope that contains preserved programs (KillUnit).
struct KillScope {
    std::string scope;
    int signal = 0;
};

/// Signal to the leader of a session (the process that opened the session), sent through its pidfd.
struct SignalLeader {
    SessionKey session = SessionKey::none;
    int signal = 0;
    /// Leader whose child processes, and their children, get the signal first. pid 0: only the leader gets the signal.
    Leader parent{};
};

/// Message to the administrator that logind has not announced a session for an admitted login.
struct ReportMissingLogind {
    Session session;
};

/// Query for how long the clients of ssh sessions have not acknowledged data. The event ConnectionsChecked reports the
/// answer.
struct CheckConnections {
    SessionKey waiting = SessionKey::none; ///< login that waits for the answer
    Duration budget{};                     ///< OpenRequested::budget of that login
    std::vector<SessionKey> sessions;
};

/// Start of a session on whose terminal the daemon may write. If the reason of an earlier termination or denial could
/// not be shown to the user, it is shown now.
struct OfferMissedReason {
    SessionKey session = SessionKey::none;
};

/// Notice on the terminals of the session `session` that a login of the same user was denied.
struct ReportDenial {
    Session session;
    Session denied;
};

/// Claim of a slot in the fleet for a session. The event ClaimAnswered reports the answer.
struct ClaimFleetSlot {
    SessionKey session = SessionKey::none;
    /// False if the session is recorded although the limit is reached. The answer then has no effect.
    bool enforced = true;
};

/// Report to the fleet that a session exists although its claim was not answered. It is recorded later.
struct ListInFleet {
    SessionKey session = SessionKey::none;
};

/// Release of the slot that a session has claimed in the fleet.
struct ReleaseFleetSlot {
    SessionKey session = SessionKey::none;
};

/// Answer to the order of the fleet to terminate sessions (FleetTerminationRequested).
struct ReportFleetTermination {
    std::uint64_t order = 0;
    std::uint32_t count = 0; ///< number of sessions whose termination begins
};

using Effect = std::variant<Notice, ProbeActivity, SampleTraffic, CheckLogout, CheckConnections, Terminate, KillAll,
                            KillScope, SignalLeader, Lock, ReportDenial, ReportMissingLogind, OfferMissedReason,
                            ClaimFleetSlot, ListInFleet, ReleaseFleetSlot, ReportFleetTermination>;

/// Result of decide().
struct Decision {
    std::vector<Record> records;
    std::vector<Answer> answers;
    std::vector<Effect> effects;
};

} // namespace sesslimit::core
