// SPDX-License-Identifier: MIT
#pragma once

#include "common/process.hpp"
#include "common/result.hpp"
#include "common/unique_fd.hpp"

namespace sesslimit::pam_server {

struct Peer {
    Leader leader;
    UniqueFd pidfd; ///< of that process, which lived when this was made
};

/// Who is at the other end of a connected AF_UNIX socket: said by the kernel, never by the frame. Fails where that
/// process has exited already, or is not root.
Result<Peer> peer_of(int socket);

} // namespace sesslimit::pam_server
