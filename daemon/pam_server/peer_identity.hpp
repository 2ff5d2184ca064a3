// SPDX-License-Identifier: MIT
#pragma once

#include "common/process.hpp"
#include "common/result.hpp"
#include "common/unique_fd.hpp"

namespace sesslimit::pam_server {

/// Process at the other end of a socket.
struct Peer {
    Leader leader;
    UniqueFd pidfd; ///< pidfd of the process, which was still running when the pidfd was created
};

/// Returns the process at the other end of a connected AF_UNIX socket. The kernel provides this information, and the
/// frame is not used. Errors: the process has already exited (ESRCH), is not root (EPERM), or is in another PID
/// namespace (ESRCH).
Result<Peer> peer_of(int socket);

} // namespace sesslimit::pam_server
