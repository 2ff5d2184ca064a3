// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/session.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// What is to be done about an event. The order of carrying it out is: records, answers, effects.
namespace sesslimit::core {

/// A session is from now on like this. All that changes in the state is said by records.
struct Put {
    Session session;
};

/// A session is gone and forgotten.
struct Drop {
    SessionKey session = SessionKey::none;
};

using Record = std::variant<Put, Drop>;

/// The answer to a request.
struct Answer {
    enum class Kind : std::uint8_t {
        admitted,
        uncounted,
        denied,
        noted,
        wait, ///< not yet, and later than the asker would wait by itself: by Session::answer_by
    };
    RequestId request = RequestId::none;
    Kind kind = Kind::noted;
    Session session;       ///< admitted, denied, wait: which
    std::string message{}; ///< denied: the template of the policy, daemon/policy/template.hpp; empty: the built-in text
    std::optional<policy::Activity>
        announce{}; ///< admitted: its user reads the limits as the session opens, and this is what counts as use of it
};

/// Something that its user, the administrator or an auditor is told: terminals, journal and bus take it from here.
struct Notice {
    enum class Kind : std::uint8_t {
        admitted,
        adopted, ///< found in logind, counted from now on
        denied,
        would_deny, ///< let in all the same: mode = "observe"
        warned,     ///< it ends in `left`, for `reason`
        kept,       ///< its user came back after a warning
        locked,     ///< it is idle, and is locked instead of ended
        ending,     ///< told to end, for `reason`
        would_end,  ///< left alone all the same: mode = "observe"
        forced,     ///< it did not go when asked, and is sent SIGKILL
        ended,      ///< gone, after we ended it
        released,   ///< gone by itself
        over_limit, ///< its user has more sessions than the policy allows by now; nobody is ended for that
    };
    Kind kind = Kind::admitted;
    Session session; ///< as it is after this
    Reason reason;
    Duration left{};
    std::string message{}; ///< ending: the template of the policy, daemon/policy/template.hpp; empty: the built-in text
    bool locks = false;    ///< warned, would_end: its screen is what idleness would lock; it is not ended
};

/// See what shows of its use, and say so by ActivityProbed, now or soon.
struct ProbeActivity {
    SessionKey session = SessionKey::none;
};

/// Ask logind whether a session whose leader has exited was logged out properly. The answer is event LogoutChecked.
struct CheckLogout {
    SessionKey session = SessionKey::none;
    std::string logind_id;
};

/// Ask logind to stop a session (TerminateSession).
struct Terminate {
    std::string logind_id;
    SessionKey preserve_multiplexer_of =
        SessionKey::none; ///< whose terminal multiplexer is to be moved out of its way first; none: nobody's
};

/// Ask logind to have a graphical session lock its screen (LockSession).
struct Lock {
    std::string logind_id;
};

/// Ask logind to send SIGKILL to all of a session (KillSession).
struct KillAll {
    std::string logind_id;
};

/// Send a signal to the leader, through its pidfd.
struct SignalLeader {
    SessionKey session = SessionKey::none;
    int signal = 0;
};

using Effect = std::variant<Notice, ProbeActivity, CheckLogout, Terminate, KillAll, SignalLeader, Lock>;

struct Decision {
    std::vector<Record> records;
    std::vector<Answer> answers;
    std::vector<Effect> effects;
};

} // namespace sesslimit::core
