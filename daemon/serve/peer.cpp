// SPDX-License-Identifier: MIT
#include "daemon/serve/peer.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <utility>

namespace sesslimit::serve {
namespace {

#ifndef SO_PEERPIDFD
constexpr int so_peerpidfd = 77; // Linux 6.5; asm-generic/socket.h
#else
constexpr int so_peerpidfd = SO_PEERPIDFD;
#endif

/// A pidfd of the peer. Before Linux 6.5, and then alone, one of its pid: the peer still waits for us at the other end,
/// so it lives.
UniqueFd pidfd_of(int socket, pid_t pid) {
    int pidfd = -1;
    socklen_t size = sizeof pidfd;
    if (getsockopt(socket, SOL_SOCKET, so_peerpidfd, &pidfd, &size) == 0) {
        return UniqueFd(pidfd);
    }
    if (errno != ENOPROTOOPT) {
        return {};
    }
    return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

bool lives(const UniqueFd& pidfd) {
    pollfd exited{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
    return poll(&exited, 1, 0) == 0;
}

} // namespace

Result<Peer> peer_of(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
        return fail_errno("ask who is at the other end");
    }
    if (peer.uid != 0) {
        return fail("the other end is not root", EPERM);
    }
    UniqueFd pidfd = pidfd_of(socket, peer.pid);
    if (!pidfd) {
        return fail_errno("hold the process at the other end");
    }
    const auto stat = read_process_stat(peer.pid);
    if (!stat && stat.error() != ESRCH) {
        return fail_errno("read when the process at the other end started", stat.error());
    }
    // Still alive after its start was read: so it was its own start.
    if (!stat || !lives(pidfd)) {
        return fail("the process at the other end has exited", ESRCH);
    }
    return Peer{{peer.pid, stat->start}, std::move(pidfd)};
}

} // namespace sesslimit::serve
