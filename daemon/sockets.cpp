// SPDX-License-Identifier: MIT
#include "daemon/sockets.hpp"

#include "daemon/inspect/sock_diag.hpp"
#include "daemon/listen_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <string>
#include <utility>

namespace sesslimit {
namespace {

Result<> take_passed(UniqueFd fd, Sockets& sockets, output::Journal& journal) {
    UniqueFd* place = sd_is_socket(fd.get(), AF_UNIX, SOCK_SEQPACKET, 1) > 0 ? &sockets.logins
                      : sd_is_socket(fd.get(), AF_NETLINK, 0, -1) > 0        ? &sockets.sock_diag
                                                                             : nullptr;
    if (place == nullptr || *place) {
        // systemd passes an unexpected socket if the unit sesslimitd.socket is of another version or was changed by the
        // administrator. The daemon ignores the socket and continues, because logins must be answered.
        journal.log(output::Priority::warning,
                    "Ignoring an unexpected socket passed by systemd. "
                    "Only one ListenSequentialPacket= and one ListenNetlink= of sesslimitd.socket are used.");
        return {};
    }
    if (fcntl(fd.get(), F_SETFL, O_NONBLOCK) < 0) {
        return fail_errno("set O_NONBLOCK on a socket");
    }
    *place = std::move(fd);
    return {};
}

} // namespace

Result<Sockets> take_sockets(const Options& options, output::Journal& journal) {
    Sockets sockets;
    const int passed = sd_listen_fds(1);
    for (int at = 0; at < passed; ++at) {
        if (auto done = take_passed(UniqueFd(SD_LISTEN_FDS_START + at), sockets, journal); !done) {
            return std::unexpected(done.error());
        }
    }
    if (!sockets.logins) {
        auto own = options.socket.empty()
                       ? fail("no socket for login requests; start sesslimitd.socket or use --socket")
                       : listen_at(options.socket.c_str());
        if (!own) {
            return std::unexpected(own.error());
        }
        sockets.logins = *std::move(own);
    }
    if (!sockets.sock_diag) {
        sockets.sock_diag = inspect::SockDiag::socket_here();
    }
    return sockets;
}

} // namespace sesslimit
