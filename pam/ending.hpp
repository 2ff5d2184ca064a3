// SPDX-License-Identifier: MIT
#pragma once

namespace sesslimit::pam {

/// Every outcome of a session request. answer.cpp defines the reaction to each.
enum class RequestOutcome {
    // Outcomes that the daemon decided.
    admitted,
    uncounted,
    denied,
    // Outcomes without a decision, to which on_error applies.
    no_user,       ///< PAM has no user name, or an empty one
    user_too_long, ///< the user name is longer than wire::max_user
    unknown_user,  ///< the user is not in the user database
    lookup_failed, ///< the user database could not be queried
    no_service,    ///< PAM has no service name, or one longer than wire::max_service
    no_memory,
    bad_request,   ///< the login information does not fit a request
    no_socket,     ///< a descriptor is not available
    no_daemon,     ///< no daemon accepts connections
    timed_out,     ///< the budget is used up
    hung_up,       ///< the connection was closed before the verdict, also in the further attempts
    unreadable,    ///< the reply is not a verdict on an open request
    other_version, ///< the reply has another protocol version
    undecided,     ///< the daemon reported a failure
};

/// The reason why a step failed. `error` is the underlying errno value, or 0 if it does not exist.
struct Failure {
    RequestOutcome ending{};
    int error = 0;
};

} // namespace sesslimit::pam
