// SPDX-License-Identifier: MIT
#pragma once

#include <sys/socket.h>

namespace sesslimit::fleet {

/// Returns true if the process at the other end of a connection ran as root when it connected.
inline bool is_root(int socket) noexcept {
    ucred peer{};
    socklen_t size = sizeof peer;
    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == 0;
}

} // namespace sesslimit::fleet
