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

/// Request of pam_open_session. A repeated request of the same leader for the same user is the same request.
struct OpenRequested {
    RequestId request = RequestId::none;
    Login login;
    Leader leader;
    Duration budget{}; ///< time for which the caller waits for the answer
};

/// Report of pam_close_session.
struct CloseRequested {
    RequestId request = RequestId::none;
    SessionKey session = SessionKey::none; ///< none: the youngest session of this leader
    Leader leader;
};

/// The caller disconnected before it received its answer.
struct RequestAborted {
    RequestId request = RequestId::none;
};

/// The pidfd of a session's leader reported its exit, or the process did not exist when tracking began.
struct LeaderExited {
    SessionKey session = SessionKey::none;
};

/// Session of logind (org.freedesktop.login1(5)).
struct LogindSession {
    std::string id;
    std::string scope;
    std::string session_class; ///< "user", "greeter", "background", ...
    bool graphical = false;    ///< type x11, wayland or mir
    bool closing = false;      ///< it was closed, and only left-behind processes of it still run
    Leader leader;             ///< pid 0: it has exited
    BootTime opened{};
    Login login; ///< as far as it is known to logind and the user database
};

/// Returns true for the classes of logind sessions in which a user logs in (src/login/logind-session.h). These are
/// "user", and "user-early", "user-light" and "user-incomplete", the variants of systemd 256 and later.
inline bool is_login_class(std::string_view session_class) {
    return session_class == "user" || session_class.starts_with("user-");
}

/// logind has a session: a new one, or one that existed when the daemon first listed the sessions.
struct LogindSessionNew {
    LogindSession session;
};

/// logind has removed a session, because all of its processes have exited.
struct LogindSessionRemoved {
    std::string id;
};

/// Answer to effect ProbeActivity. Without a sample, the probe failed.
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

/// Input just occurred on a monitored terminal of a session.
struct InputReceived {
    SessionKey session = SessionKey::none;
};

/// The wall clock was set, or the host resumed from suspend. The detection cannot distinguish the two.
struct ClockChanged {};

/// The earliest deadline may have been reached. Each event handles at most one session.
struct TimerExpired {};

/// The policy passed to decide() has changed. Every session is evaluated again.
struct PolicyChanged {};

/// Request of an authorized D-Bus caller to terminate a session.
struct TerminationRequested {
    SessionKey session = SessionKey::none;
    std::string by; ///< name of the requester, shown to the user of the session
};

/// Session found in the ledger when the daemon started.
struct SessionRestored {
    Session session;
    bool leader_gone = false; ///< the leader has exited since the record was written
};

/// Groups from the user database, for a restored session whose ledger record does not contain all of them.
struct GroupsResolved {
    SessionKey session = SessionKey::none;
    std::vector<gid_t> gids; ///< sorted, without duplicates
};

using Event = std::variant<OpenRequested, CloseRequested, RequestAborted, LeaderExited, LogindSessionNew,
                           LogindSessionRemoved, ActivityProbed, LogoutChecked, InputReceived, ClockChanged,
                           TimerExpired, PolicyChanged, TerminationRequested, SessionRestored, GroupsResolved>;

} // namespace sesslimit::core
