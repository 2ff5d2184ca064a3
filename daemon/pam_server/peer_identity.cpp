// SPDX-License-Identifier: MIT
#include "daemon/pam_server/peer_identity.hpp"

#include "common/pidfd.hpp"

#include <sys/socket.h>

#include <utility>

namespace sesslimit::pam_server {
namespace {

#ifndef SO_PEERPIDFD
constexpr int so_peerpidfd = 77; // value in asm-generic/socket.h since Linux 6.5
#else
constexpr int so_peerpidfd = SO_PEERPIDFD;
#endif

/// Returns a pidfd of the peer. Before Linux 6.5, opens the pidfd by the PID of the peer. The peer is still waiting for
/// the answer, so its PID has not been reused. Returns an empty descriptor and sets errno on failure.
UniqueFd pidfd_of(int socket, pid_t pid) {
    int pidfd = -1;
    socklen_t size = sizeof pidfd;
    if (getsockopt(socket, SOL_SOCKET, so_peerpidfd, &pidfd, &size) == 0) {
        return UniqueFd(pidfd);
    }
    if (errno != ENOPROTOOPT) {
        return {};
    }
    auto opened = open_pidfd(pid);
    errno = opened ? 0 : opened.error();
    return opened ? *std::move(opened) : UniqueFd();
}

} // namespace

Result<Peer> peer_of(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
        return fail_errno("failed to read the credentials of the connecting process");
    }
    if (peer.uid != 0) {
        return fail("the connecting process is not root", EPERM);
    }
    if (peer.pid <= 0) {
        return fail("the connecting process is in another PID namespace", ESRCH);
    }
    UniqueFd pidfd = pidfd_of(socket, peer.pid);
    if (!pidfd) {
        return fail_errno("failed to open a pidfd of the connecting process");
    }
    const auto leader = identify(pidfd.get(), peer.pid);
    if (!leader && leader.error() != ESRCH) {
        return fail_errno("failed to read the start time of the connecting process", leader.error());
    }
    if (!leader || !lives(pidfd.get())) {
        return fail("the connecting process has exited", ESRCH);
    }
    return Peer{*leader, std::move(pidfd)};
}

} // namespace sesslimit::pam_server
