// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/output/journal.hpp"
#include "daemon/options.hpp"

namespace sesslimit {

/// The sockets that sesslimitd.socket lists, and systemd passes (sd_listen_fds(3)).
struct Sockets {
    UniqueFd logins;    ///< where logins ask: listening, non-blocking
    UniqueFd sock_diag; ///< NETLINK_SOCK_DIAG, in the host's network namespace, which the daemon is not in
};

/// Takes what was passed, once. Without it, as the daemon is run by hand, it makes its own: where `options` says, and
/// in the namespace that it is in. Fails where it can listen to no login; without sock_diag(7), `sock_diag` is empty.
Result<Sockets> take_sockets(const Options& options, output::Journal& journal);

} // namespace sesslimit
