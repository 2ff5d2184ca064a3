// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/session.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// Decision about an event. The engine carries out its records first, then its answers, then its effects.
namespace sesslimit::core {

/// Record that adds a session to the state or replaces it. Every change of the state is described by a record.
struct Put {
    Session session;
};

/// Record that removes a session from the state.
struct Drop {
    SessionKey session = SessionKey::none;
};

using Record = std::variant<Put, Drop>;

/// Answer to a request.
struct Answer {
    enum class Kind : std::uint8_t {
        admitted,
        uncounted,
        denied,
        noted,
        wait, ///< the caller must wait longer than its budget; another answer follows by Session::answer_by
    };
    RequestId request = RequestId::none;
    Kind kind = Kind::noted;
    Session session;       ///< session of the login; only set if it is admitted, denied or waiting
    std::string message{}; ///< template for a denial (daemon/policy/template.hpp); empty: the built-in text
    /// Setting idle_activity. Only present if the login is admitted and the limits are announced to the user.
    std::optional<policy::Activity> announce{};
};

/// Report to the user of a session, the administrator or an auditor. Terminal notices, journal entries and D-Bus
/// signals are created from it.
struct Notice {
    enum class Kind : std::uint8_t {
        admitted,
        adopted, ///< the daemon found the session in logind, and counts it from now on
        denied,
        would_deny, ///< the login was admitted although a limit is reached, because of mode = "observe"
        warned,     ///< the session will be terminated in `left`, for `reason`
        kept,       ///< the user became active again after a warning
        locked,     ///< the session is idle, and its screen is locked
        ending,     ///< the termination begins, for `reason`
        would_end,  ///< the session was not terminated for `reason`, because of mode = "observe"
        forced,     ///< the session did not exit on request, and SIGKILL is sent
        ended,      ///< the session is gone after its termination
        released,   ///< the session was closed, or its processes exited by themselves
        over_limit, ///< the user has more sessions than the new policy permits, but none is terminated
    };
    Kind kind = Kind::admitted;
    Session session; ///< session after the decision
    Reason reason;
    Duration left{};
    std::string message{}; ///< template for a termination (daemon/policy/template.hpp); empty: the built-in text
    /// True if the idle limit locks the screen instead of terminating the session. Only set in warned and would_end.
    bool locks = false;
};

/// Request for an activity probe of a session. Event ActivityProbed reports the result, immediately or later.
struct ProbeActivity {
    SessionKey session = SessionKey::none;
};

/// Query to logind whether a session was logged out, after its leader has exited. Event LogoutChecked reports the
/// answer.
struct CheckLogout {
    SessionKey session = SessionKey::none;
    std::string logind_id;
};

/// Request to logind to stop a session (TerminateSession).
struct Terminate {
    std::string logind_id;
    SessionKey preserve_multiplexer_of =
        SessionKey::none; ///< session whose multiplexer must be preserved first; none: no multiplexer preservation
};

/// Request to logind to lock the screen of a graphical session (LockSession).
struct Lock {
    std::string logind_id;
};

/// Request to logind to send SIGKILL to all processes of a session (KillSession).
struct KillAll {
    std::string logind_id;
};

/// Signal to the leader of a session, sent through its pidfd.
struct SignalLeader {
    SessionKey session = SessionKey::none;
    int signal = 0;
};

using Effect = std::variant<Notice, ProbeActivity, CheckLogout, Terminate, KillAll, SignalLeader, Lock>;

/// Result of decide().
struct Decision {
    std::vector<Record> records;
    std::vector<Answer> answers;
    std::vector<Effect> effects;
};

} // namespace sesslimit::core
