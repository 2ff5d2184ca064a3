// SPDX-License-Identifier: MIT
#include "daemon/pam_server/request.hpp"

#include "common/process.hpp"
#include "daemon/credential/credential.hpp"
#include "daemon/policy/match.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace sesslimit::pam_server {
namespace {

#ifndef SO_PEERPIDFD
constexpr int so_peerpidfd = 77; // asm-generic/socket.h of Linux 6.5
#else
constexpr int so_peerpidfd = SO_PEERPIDFD;
#endif

/// Returns a pidfd of the process at the other end of the socket, whose PID is `pid`. Linux before 6.5 does not provide
/// this pidfd, so the pidfd is opened by the PID. The process still waits for the answer, so its PID has not been
/// reused. On failure, returns an empty descriptor and sets errno.
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

std::vector<gid_t> sorted_gids(const wire::GidView& view) {
    std::vector<gid_t> gids(view.size());
    for (std::size_t at = 0; at < gids.size(); ++at) {
        gids[at] = view[at];
    }
    std::ranges::sort(gids);
    const auto repeats = std::ranges::unique(gids);
    gids.erase(repeats.begin(), repeats.end());
    return gids;
}

/// Returns the remote host of a login. Ignores PAM_RHOST of an ssh login whose connection does not use IP. With an
/// AF_UNIX socket, PAM_RHOST is the path that the client has given to its own socket (get_socket_address() in OpenSSH's
/// canohost.c), which may look like an address.
std::string remote_host_of(const wire::OpenRequest& request) {
    const bool is_unix = !request.connection.empty() && !policy::is_ip_connection(request.connection);
    return is_unix ? unix_origin : std::string(request.rhost);
}

core::OpenRequested opened_by(const wire::OpenRequest& request, RequestId id, const Leader& leader) {
    return {
        .request = id,
        .login = {.user = std::string(request.user),
                  .uid = request.uid,
                  .gids = sorted_gids(request.gids),
                  .service = std::string(request.service),
                  .tty = std::string(request.tty),
                  .rhost = remote_host_of(request),
                  .ruser = std::string(request.ruser),
                  .seat = std::string(request.seat),
                  .credential = read_auth_info(request.auth_info),
                  .connection = std::string(request.connection),
                  .nested = request.nested,
                  .gids_cut = request.gids_cut},
        .leader = leader,
        .budget = std::chrono::milliseconds(request.budget_ms),
    };
}

} // namespace

Result<Peer> peer_of(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
        return fail_errno("read the credentials of the connecting process");
    }
    if (peer.uid != 0) {
        return fail("the connecting process is not root", EPERM);
    }
    if (peer.pid <= 0) {
        return fail("the connecting process is in another PID namespace", ESRCH);
    }
    UniqueFd pidfd = pidfd_of(socket, peer.pid);
    if (!pidfd) {
        return fail_errno("open a pidfd of the connecting process");
    }
    const auto leader = identify(pidfd.get(), peer.pid);
    if (!leader && leader.error() != ESRCH) {
        return fail_errno("read the start time of the connecting process", leader.error());
    }
    if (!leader || !lives(pidfd.get())) {
        return fail("the connecting process has exited", ESRCH);
    }
    return Peer{*leader, std::move(pidfd)};
}

std::expected<core::Event, wire::WireError> event_of(std::span<const std::byte> frame, RequestId id,
                                                     const Leader& leader) {
    const auto kind = wire::kind_of(frame);
    if (!kind) {
        return std::unexpected(kind.error());
    }
    switch (*kind) {
    case wire::Kind::open: {
        const auto request = wire::decode_open(frame);
        if (!request) {
            return std::unexpected(request.error());
        }
        return opened_by(*request, id, leader);
    }
    case wire::Kind::close: {
        const auto request = wire::decode_close(frame);
        if (!request) {
            return std::unexpected(request.error());
        }
        return core::CloseRequested{id, SessionKey{request->session}, leader};
    }
    default:
        return std::unexpected(wire::WireError::unknown_kind);
    }
}

} // namespace sesslimit::pam_server
