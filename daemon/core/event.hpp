// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/decision.hpp"
#include "daemon/core/session.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// Events, which are the input of the core function decide(). Every event is a plain value, created by the component of
/// the daemon that observed it.
namespace sesslimit::core {

/// Request of the PAM module to admit a login, sent in pam_open_session. If the same process requests a login of the
/// same user again, it has only repeated its first request.
struct OpenRequested {
    RequestId request = RequestId::none;
    Login login;
    Leader leader;
    Duration budget{}; ///< time for which the PAM module waits for the answer
};

/// Report of the PAM module that the PAM application closes a session (pam_close_session).
struct CloseRequested {
    RequestId request = RequestId::none;
    SessionKey session = SessionKey::none; ///< session to close; none: the newest session of the process `leader`
    Leader leader;
    /// Value of StopIdleSessionSec (logind.conf(5)). Only present if logind has probably stopped the session because it
    /// was idle.
    std::optional<Duration> idle_stop{};
};

/// Disconnection of the PAM module before the daemon has answered its request.
struct RequestAborted {
    RequestId request = RequestId::none;
};

/// Exit of a session's leader (the process that opened the session), as reported by the leader's pidfd. Also reported
/// if the leader had already exited when the daemon started to track it.
struct LeaderExited {
    SessionKey session = SessionKey::none;
    /// As in CloseRequested.
    std::optional<Duration> idle_stop{};
};

/// Session as reported by logind (org.freedesktop.login1(5)).
struct LogindSession {
    std::string id;
    std::string scope;
    /// Class of the logind session, such as "user", "greeter" or "background".
    std::string session_class;
    /// True if the type of the logind session is x11, wayland or mir.
    bool graphical = false;
    /// True if the session was logged out, and only processes that the user left behind still run.
    bool closing = false;
    /// Process that opened the session; pid 0: the process has exited.
    Leader leader;
    BootTime opened{};
    /// Data about the login, as far as logind and the user database provide them.
    Login login;
};

/// Returns true if logind sessions of this class are logins of users (src/login/logind-session.h). These classes are
/// "user", and "user-early", "user-light" and "user-incomplete", the variants of systemd 256 and later.
inline bool is_login_class(std::string_view session_class) {
    return session_class == "user" || session_class.starts_with("user-");
}

/// Session that logind has created, or that already existed when the daemon first listed logind's sessions.
struct LogindSessionNew {
    LogindSession session;
};

/// Removal of a session by logind, because all processes of the session have exited.
struct LogindSessionRemoved {
    std::string id;
};

/// Result of an activity probe that the effect ProbeActivity requested. The sample is absent if the probe failed.
struct ActivityProbed {
    SessionKey session = SessionKey::none;
    std::optional<ActivitySample> sample;
};

/// Result of the effect SampleTraffic. The sample is absent if the connections could not be inspected.
struct TrafficSampled {
    SessionKey session = SessionKey::none;
    std::optional<TrafficSample> sample;
};

/// Answer to a logout query (effect CheckLogout).
struct LogoutChecked {
    enum class State : std::uint8_t {
        unknown, ///< logind did not answer
        open,
        /// logind reports State=closing, which means that the session was logged out.
        closing,
    };
    SessionKey session = SessionKey::none;
    State state = State::unknown;
};

/// Answer to the query CheckConnections.
struct ConnectionsChecked {
    struct Connection {
        SessionKey session = SessionKey::none;
        /// Time for which the client has not acknowledged data. 0 if all data is acknowledged, or if the connection was
        /// not found.
        Duration unacknowledged{};
    };
    SessionKey waiting = SessionKey::none;
    Duration budget{};
    std::vector<Connection> connections;
};

/// New input on a terminal of a session. The daemon monitors the terminals for input.
struct InputReceived {
    SessionKey session = SessionKey::none;
};

/// First input on a terminal that a user opened after a warning about idleness. The terminal may belong to any session
/// of the user.
struct TerminalOpened {
    uid_t owner = 0;
};

/// Change of the wall clock, or resume of the host from suspend. The daemon cannot distinguish these two causes.
struct ClockChanged {};

/// Expiry of the earliest deadline of all sessions. The core handles at most one session per event, and ignores the
/// event if no deadline has been reached.
struct TimerExpired {};

/// Change of the policy. Every session is then evaluated again under the new policy.
struct PolicyChanged {};

/// Person who requested the termination of a session on D-Bus.
struct Requester {
    std::string name; ///< Text about the person, shown to the user of the session.
    uid_t uid = 0;    ///< Login UID of the person, or the user ID of the D-Bus caller if the login UID is unknown.
    /// Message of the person to the user of the session, at most max_note_length bytes. May be empty.
    std::string message{};
    std::string person{}; ///< Name of the user with the ID `uid`. Empty if it is not known.
};

/// Request of an authorized D-Bus caller to terminate a session.
struct TerminationRequested {
    SessionKey session = SessionKey::none;
    Requester by;
};

/// Session that the daemon has read from the ledger file at its start.
struct SessionRestored {
    Session session;
    /// True if the process that opened the session has exited since the record of the session was written.
    bool leader_gone = false;
};

/// Group IDs of a user from the user database. The event is for a session that was restored from the ledger with an
/// incomplete list of group IDs.
struct GroupsResolved {
    SessionKey session = SessionKey::none;
    std::vector<gid_t> gids; ///< sorted, without duplicates
};

/// Completion of the move of programs out of a session, which is terminated for a reason but a request (setting keep).
struct ProgramsPreserved {
    Session session;   ///< session that is terminated. Its record may have been removed already.
    std::string scope; ///< scope that now contains the programs
};

/// Exit of the last process in the scope of a session whose programs were preserved.
struct ScopeEmptied {
    SessionKey session = SessionKey::none;
};

/// Answer of the fleet to a claim (effect ClaimFleetSlot).
struct ClaimAnswered {
    enum class Outcome : std::uint8_t {
        granted, ///< The session has a slot.
        full,    ///< The limit of the user is reached.
        unknown, ///< The fleet has not answered in time. It records the session later, unless its slot is released.
    };
    SessionKey session = SessionKey::none;
    Outcome outcome = Outcome::unknown;
    FleetHolders holders{}; ///< only set if the limit is reached
};

/// Change of the state of the fleet, or of the connection to it.
struct FleetStateChanged {
    FleetState state = FleetState::down;
};

/// Report of the fleet that it has recorded a session beyond the limit of its user.
struct FleetLimitExceeded {
    SessionKey session = SessionKey::none;
};

/// Order of an administrator to terminate the sessions of a user, or those that a credential has opened, on all hosts
/// of the fleet. Sessions of uid 0 are excluded.
struct FleetTerminationRequested {
    std::uint64_t order = 0;
    bool is_credential = false; ///< true if `subject` is a credential, and false if it is a user
    std::string subject;        ///< user as in common/user_ref.hpp, or a credential
    std::string by;             ///< name of the administrator
    std::string message{};
};

using Event = std::variant<OpenRequested, CloseRequested, RequestAborted, LeaderExited, LogindSessionNew,
                           LogindSessionRemoved, ActivityProbed, TrafficSampled, LogoutChecked, InputReceived,
                           ClockChanged, TimerExpired, PolicyChanged, TerminationRequested, SessionRestored,
                           GroupsResolved, TerminalOpened, ConnectionsChecked, ProgramsPreserved, ScopeEmptied,
                           ClaimAnswered, FleetStateChanged, FleetLimitExceeded, FleetTerminationRequested>;

/// Receiver of events. Components that observe events are constructed with a reference to it.
class EventSink {
  public:
    virtual void handle(Event event) = 0;

  protected:
    ~EventSink() = default;
};

} // namespace sesslimit::core
