// SPDX-License-Identifier: MIT
#pragma once

namespace sesslimit::pam {

/// Every way in which asking for a session can end. answer.cpp says what each comes to.
enum class RequestOutcome {
    // The daemon has decided.
    admitted,
    uncounted,
    denied,
    // Nobody has: on_error decides.
    no_user,       ///< PAM has no user, or one of no name
    user_too_long, ///< beyond wire::max_user
    unknown_user,  ///< not in the user database
    lookup_failed, ///< the user database could not be asked
    no_service,    ///< PAM has no service, or one beyond wire::max_service
    no_memory,
    bad_request,   ///< what was found fits no request
    no_socket,     ///< no descriptor to be had
    no_daemon,     ///< nobody to connect to
    timed_out,     ///< the budget is used up
    hung_up,       ///< the connection ended before the verdict, also when tried again
    unreadable,    ///< the answer is no verdict on an open request
    other_version, ///< the answer is of another version of the protocol
    undecided,     ///< the daemon itself said that it failed
};

/// Why a step failed. `error` is the errno value behind it, 0 where there is none.
struct Failure {
    RequestOutcome ending{};
    int error = 0;
};

} // namespace sesslimit::pam
