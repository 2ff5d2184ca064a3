// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/options.hpp"
#include "daemon/output/journal.hpp"

namespace sesslimit {

/// Sockets that sesslimitd.socket lists and systemd passes (sd_listen_fds(3)).
struct Sockets {
    UniqueFd logins; ///< listening, non-blocking socket for the requests of logins
    /// NETLINK_SOCK_DIAG socket in the host's network namespace. The daemon is in another namespace.
    UniqueFd sock_diag;
};

/// Accepts the sockets that systemd passed. Must be called only once. Creates missing sockets at the path in `options`
/// and in the daemon's network namespace. Sockets are missing if the daemon is started manually. Without sock_diag(7),
/// `sock_diag` is empty. Errors: no socket for logins is available.
Result<Sockets> take_sockets(const Options& options, output::Journal& journal);

} // namespace sesslimit
