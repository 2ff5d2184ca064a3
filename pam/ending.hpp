// SPDX-License-Identifier: MIT
#pragma once

namespace sesslimit::pam {

/// The outcomes of a request to open a session. A table in answer.cpp defines the reaction of the PAM module to each
/// outcome.
enum class RequestOutcome {
    // Outcomes that the daemon decided.
    admitted,
    uncounted,
    denied,
    // Outcomes without a decision of the daemon. For users other than root, the argument `on_error` of the module
    // determines whether the login is admitted.
    no_user,       ///< Outcome if PAM_USER is missing or empty.
    user_too_long, ///< Outcome if the user name is longer than wire::max_user.
    unknown_user,  ///< Outcome if the user database does not contain the user.
    lookup_failed, ///< Outcome if the user database could not be queried.
    no_service,    ///< Outcome if PAM_SERVICE is missing, empty or longer than wire::max_service.
    no_memory,
    bad_request,   ///< Outcome if the data of the login does not fit into a request to the daemon.
    no_socket,     ///< Outcome if a socket could not be created, for example because of descriptor exhaustion.
    no_daemon,     ///< Outcome if the daemon does not accept connections.
    timed_out,     ///< Outcome if the time for the request (argument `timeout` of the module) has expired.
    hung_up,       ///< Outcome if the daemon closed the connection before the verdict in every attempt.
    unreadable,    ///< Outcome if the reply of the daemon is malformed.
    other_version, ///< Outcome if the reply has a different protocol version.
    undecided,     ///< Outcome if the daemon reported that it failed to decide.
};

/// The reason why a session request failed. `error` is the underlying errno value, or 0 if the failure does not have
/// one.
struct Failure {
    RequestOutcome ending{};
    int error = 0;
};

} // namespace sesslimit::pam
