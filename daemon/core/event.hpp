// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/session.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// Events that the core decides about. Every event is a plain value, created by the component that observed it.
namespace sesslimit::core {

/// Request of pam_open_session. A further request of the same leader for the same user repeats the first request.
struct OpenRequested {
    RequestId request = RequestId::none;
    Login login;
    Leader leader;
    Duration budget{}; ///< time for which the caller waits for the answer
};

/// Report of pam_close_session.
struct CloseRequested {
    RequestId request = RequestId::none;
    SessionKey session = SessionKey::none; ///< session to close; none: the newest session of `leader`
    Leader leader;
};

/// Disconnection of a caller before it received its answer.
struct RequestAborted {
    RequestId request = RequestId::none;
};

/// Exit of a session's leader, as reported by its pidfd. The exit is also reported if the process did not exist when
/// tracking began.
struct LeaderExited {
    SessionKey session = SessionKey::none;
};

/// Session of logind (org.freedesktop.login1(5)).
struct LogindSession {
    std::string id;
    std::string scope;
    std::string session_class; ///< "user", "greeter", "background", ...
    bool graphical = false;    ///< true for the types x11, wayland and mir
    bool closing = false;      ///< true if the session was closed and only left-behind processes still run
    Leader leader;             ///< leader process; pid 0: the process has exited
    BootTime opened{};
    Login login; ///< login of the session, as far as logind and the user database know it
};

/// Returns true for the classes of logind sessions that are logins of users (src/login/logind-session.h). These are
/// "user", and "user-early", "user-light" and "user-incomplete", the variants of systemd 256 and later.
inline bool is_login_class(std::string_view session_class) {
    return session_class == "user" || session_class.starts_with("user-");
}

/// New session in logind, or a session that existed when the daemon first listed the sessions.
struct LogindSessionNew {
    LogindSession session;
};

/// Removal of a session by logind, because all processes of the session have exited.
struct LogindSessionRemoved {
    std::string id;
};

/// Result of effect ProbeActivity. The sample is absent if the probe failed.
struct ActivityProbed {
    SessionKey session = SessionKey::none;
    std::optional<ActivitySample> sample;
};

/// Answer to effect CheckLogout.
struct LogoutChecked {
    enum class State : std::uint8_t {
        unknown, ///< logind did not answer
        open,
        closing, ///< logind reports State=closing: the session was logged out
    };
    SessionKey session = SessionKey::none;
    State state = State::unknown;
};

/// New input on a monitored terminal of a session.
struct InputReceived {
    SessionKey session = SessionKey::none;
};

/// Change of the wall clock, or resume of the host from suspend. The detection cannot distinguish these two causes.
struct ClockChanged {};

/// Possible arrival of the earliest deadline. Each event handles at most one session.
struct TimerExpired {};

/// Change of the policy that is passed to decide(). Every session is evaluated again.
struct PolicyChanged {};

/// Request of an authorized D-Bus caller to terminate a session.
struct TerminationRequested {
    SessionKey session = SessionKey::none;
    std::string by; ///< name of the requester, shown to the user of the session
};

/// Session found in the ledger when the daemon started.
struct SessionRestored {
    Session session;
    bool leader_gone = false; ///< true if the leader has exited since the record was written
};

/// Groups from the user database, for a restored session with an incomplete list of groups in its ledger record.
struct GroupsResolved {
    SessionKey session = SessionKey::none;
    std::vector<gid_t> gids; ///< sorted, without duplicates
};

using Event = std::variant<OpenRequested, CloseRequested, RequestAborted, LeaderExited, LogindSessionNew,
                           LogindSessionRemoved, ActivityProbed, LogoutChecked, InputReceived, ClockChanged,
                           TimerExpired, PolicyChanged, TerminationRequested, SessionRestored, GroupsResolved>;

} // namespace sesslimit::core
