// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/session.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// Decision about an event. It is carried out in this order: records, answers, effects.
namespace sesslimit::core {

/// New value of a session, added or replaced. Records describe every change of the state.
struct Put {
    Session session;
};

/// Removal of a session from the state.
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
        wait, ///< the answer follows by Session::answer_by, later than the caller would wait by itself
    };
    RequestId request = RequestId::none;
    Kind kind = Kind::noted;
    Session session;       ///< the session concerned, if admitted, denied or waiting
    std::string message{}; ///< if denied: the policy's template (daemon/policy/template.hpp); empty: the built-in text
    std::optional<policy::Activity>
        announce{}; ///< if admitted: the activity that counts as use; present if the user reads the limits at login
};

/// Report to the user of a session, the administrator or an auditor. It is the source of terminal notices, journal
/// entries and D-Bus signals.
struct Notice {
    enum class Kind : std::uint8_t {
        admitted,
        adopted, ///< found in logind, counted from then on
        denied,
        would_deny, ///< admitted over a limit, because of mode = "observe"
        warned,     ///< it will be terminated in `left`, for `reason`
        kept,       ///< its user became active again after a warning
        locked,     ///< it is idle; its screen is locked, not terminated
        ending,     ///< its termination begins, for `reason`
        would_end,  ///< not terminated, because of mode = "observe"
        forced,     ///< it did not exit on request, and is sent SIGKILL
        ended,      ///< gone after its termination
        released,   ///< closed or gone by itself
        over_limit, ///< its user has more sessions than the new policy allows; none is terminated for that
    };
    Kind kind = Kind::admitted;
    Session session; ///< its value after the decision
    Reason reason;
    Duration left{};
    std::string
        message{}; ///< of a termination: the policy's template (daemon/policy/template.hpp); empty: the built-in text
    bool locks = false; ///< in warned and would_end: the idle limit would lock its screen, not terminate it
};

/// Request for an activity probe of a session. The answer is event ActivityProbed, immediately or later.
struct ProbeActivity {
    SessionKey session = SessionKey::none;
};

/// Request to logind whether a session whose leader has exited was logged out properly. The answer is event
/// LogoutChecked.
struct CheckLogout {
    SessionKey session = SessionKey::none;
    std::string logind_id;
};

/// Request to logind to stop a session (TerminateSession).
struct Terminate {
    std::string logind_id;
    SessionKey preserve_multiplexer_of = SessionKey::none; ///< session whose terminal multiplexer is moved out of it
                                                           ///< first; none: no multiplexer preservation
};

/// Request to logind to have a graphical session lock its screen (LockSession).
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
