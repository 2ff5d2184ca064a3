// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/options.hpp"
#include "daemon/output/journal.hpp"

namespace sesslimit {

/// Sockets that the unit sesslimitd.socket lists and systemd passes to the daemon (sd_listen_fds(3)).
struct Sockets {
    /// Listening, non-blocking socket for the login requests of the PAM module.
    UniqueFd logins;
    /// NETLINK_SOCK_DIAG socket, or empty if sock_diag(7) is not available. systemd opens the socket in the host's
    /// network namespace, because the daemon runs in another namespace.
    UniqueFd sock_diag;
};

/// Returns the sockets that systemd passed to the daemon, and creates missing sockets. Sockets are missing if the
/// daemon is started manually. The socket for login requests is created at the path in `options`, and the sock_diag
/// socket in the daemon's own network namespace. Must be called only once. Errors: a socket for login requests is not
/// available, or a passed socket cannot be made non-blocking.
Result<Sockets> take_sockets(const Options& options, output::Journal& journal);

} // namespace sesslimit
