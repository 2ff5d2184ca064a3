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

/// Process at the other end of a connected socket.
struct Peer {
    /// Identity of the process, which consists of its PID and a mark that detects a reused PID.
    Leader leader;
    /// Open pidfd of the process at the other end of the socket, which was still running after the pidfd had been
    /// opened.
    UniqueFd pidfd;
};

/// Returns the process at the other end of a connected AF_UNIX socket, as reported by the kernel and not by the
/// request. Errors: the process has already exited (ESRCH), is not root (EPERM), or is in another PID namespace
/// (ESRCH).
Result<Peer> peer_of(int socket);

/// Converts the frame of a request to the event OpenRequested or CloseRequested. `leader` is the process that sent the
/// request. Parses the login's credential from the information that sshd provides. Errors: the frame violates the
/// protocol.
std::expected<core::Event, wire::WireError> event_of(std::span<const std::byte> frame, RequestId id,
                                                     const Leader& leader);

} // namespace sesslimit::pam_server
