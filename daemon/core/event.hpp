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

/// What can happen. Every event is a plain value, made by the edge that saw it.
namespace sesslimit::core {

/// pam_open_session asks. Asked again by the same leader for the same user, it is the same question.
struct OpenRequested {
    RequestId request = RequestId::none;
    Login login;
    Leader leader;
    Duration budget{}; ///< how long the asker waits for the answer
};

/// pam_close_session says so.
struct CloseRequested {
    RequestId request = RequestId::none;
    SessionKey session = SessionKey::none; ///< none: whichever session this leader has
    Leader leader;
};

/// The asker hung up before it had its answer.
struct RequestAborted {
    RequestId request = RequestId::none;
};

/// The pidfd of a session's leader says that it has exited, or there is no such process to hold.
struct LeaderExited {
    SessionKey session = SessionKey::none;
};

/// One of logind's sessions (org.freedesktop.login1(5)).
struct LogindSession {
    std::string id;
    std::string scope;
    std::string session_class; ///< "user", "greeter", "background", ...
    bool graphical = false;    ///< type x11, wayland or mir
    bool closing = false;      ///< it was closed and only leftovers of it still run
    Leader leader;             ///< pid 0: it has exited
    BootTime opened{};
    Login login; ///< as far as logind and the user database know it
};

/// Returns true for the classes of logind sessions in which a user logs in (src/login/logind-session.h): "user", and
/// the variants of systemd 256 and later, "user-early", "user-light" and "user-incomplete".
inline bool is_login_class(std::string_view session_class) {
    return session_class == "user" || session_class.starts_with("user-");
}

/// logind has a session: a new one, or one of those it had when we first looked.
struct LogindSessionNew {
    LogindSession session;
};

/// logind no longer has it: everything that belonged to it has exited.
struct LogindSessionRemoved {
    std::string id;
};

/// The answer to effect ProbeActivity. Without sample: nobody could tell what there is to be seen of it.
struct ActivityProbed {
    SessionKey session = SessionKey::none;
    std::optional<ActivitySample> sample;
};

/// The answer to effect CheckLogout.
struct LogoutChecked {
    enum class State : std::uint8_t {
        unknown, ///< logind did not answer
        open,
        closing, ///< logind reports State=closing: the session was logged out
    };
    SessionKey session = SessionKey::none;
    State state = State::unknown;
};

/// A key was pressed, this moment, on a terminal of a session that is listened to.
struct InputReceived {
    SessionKey session = SessionKey::none;
};

/// The wall clock was set, or the host comes out of suspend, which looks the same to who watches for the first.
struct ClockChanged {};

/// The earliest deadline has come, or it is worth looking whether it has. One session is served by each such event.
struct TimerExpired {};

/// From now on `policy` is another one: every session is judged anew.
struct PolicyChanged {};

/// Somebody with the right to do so wants it ended.
struct TerminationRequested {
    SessionKey session = SessionKey::none;
    std::string by; ///< who, for its user to read
};

/// The ledger held this session when the daemon started.
struct SessionRestored {
    Session session;
    bool leader_gone = false; ///< it has exited since
};

/// The user database was asked for the groups of a session whose record had no room for all of them.
struct GroupsResolved {
    SessionKey session = SessionKey::none;
    std::vector<gid_t> gids; ///< sorted, without repeats
};

using Event = std::variant<OpenRequested, CloseRequested, RequestAborted, LeaderExited, LogindSessionNew,
                           LogindSessionRemoved, ActivityProbed, LogoutChecked, InputReceived, ClockChanged,
                           TimerExpired, PolicyChanged, TerminationRequested, SessionRestored, GroupsResolved>;

} // namespace sesslimit::core
