// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/options.hpp"
#include "daemon/output/journal.hpp"

namespace sesslimit {

/// Sockets that sesslimitd.socket lists and systemd passes (sd_listen_fds(3)).
struct Sockets {
    UniqueFd logins;    ///< receives the requests of logins: listening, non-blocking
    UniqueFd sock_diag; ///< NETLINK_SOCK_DIAG in the host's network namespace; the daemon is in a different one
};

/// Accepts the sockets that systemd passed. Must be called only once. Creates missing sockets itself, as needed if the
/// daemon is started manually: at the path in `options`, and in its own network namespace. Without sock_diag(7),
/// `sock_diag` is empty.
/// Errors: no socket for logins is available.
Result<Sockets> take_sockets(const Options& options, output::Journal& journal);

} // namespace sesslimit
