// SPDX-License-Identifier: MIT
#pragma once

#include "common/process.hpp"
#include "common/protocol.hpp"
#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/core/event.hpp"

#include <cstddef>
#include <expected>
#include <span>

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

/// Converts the frame of a request to OpenRequested or CloseRequested. Parses the login's credential from the
/// information that sshd provides. Errors: the frame violates the protocol.
std::expected<core::Event, wire::WireError> event_of(std::span<const std::byte> frame, RequestId id,
                                                     const Leader& leader);

} // namespace sesslimit::pam_server
