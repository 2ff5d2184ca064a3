// SPDX-License-Identifier: MIT
#include "fleet/fleetd/sockets.hpp"

#include "daemon/listen_socket.hpp"
#include "fleet/admin_protocol.hpp"
#include "fleet/fleetd/log.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>

#include <string>
#include <utility>

namespace sesslimit::fleet {
namespace {

bool listens_at(int fd, const char* path) {
    return sd_is_socket_unix(fd, SOCK_SEQPACKET, 1, path, 0) > 0;
}

/// Takes the socket that systemd has passed, or creates it at `path`. Returns an empty descriptor if there is neither.
Result<UniqueFd> complete(UniqueFd passed, const std::string& path) {
    if (!passed && !path.empty()) {
        return listen_at(path.c_str());
    }
    if (passed && fcntl(passed.get(), F_SETFL, O_NONBLOCK) < 0) {
        return fail_errno("set O_NONBLOCK on a socket");
    }
    return passed;
}

} // namespace

Result<Sockets> take_sockets(const Options& options) {
    UniqueFd for_daemon;
    UniqueFd for_admin;
    const int passed = sd_listen_fds(1);
    for (int at = 0; at < passed; ++at) {
        UniqueFd fd(SD_LISTEN_FDS_START + at);
        const bool is_admin = listens_at(fd.get(), admin::default_socket);
        UniqueFd& place = is_admin ? for_admin : for_daemon;
        if (!place && (is_admin || sd_is_socket(fd.get(), AF_UNIX, SOCK_SEQPACKET, 1) > 0)) {
            place = std::move(fd);
        } else {
            log(LOG_WARNING, "Ignoring an unexpected socket passed by systemd. Only two ListenSequentialPacket= of "
                             "sesslimit-fleetd.socket are used.");
        }
    }
    auto daemon = complete(std::move(for_daemon), options.socket);
    if (!daemon) {
        return std::unexpected(daemon.error());
    }
    if (!*daemon) {
        return fail("no socket for sesslimitd; start sesslimit-fleetd.socket or use --socket");
    }
    auto admin = complete(std::move(for_admin), options.admin_socket);
    if (!admin) {
        return std::unexpected(admin.error());
    }
    return Sockets{*std::move(daemon), *std::move(admin)};
}

} // namespace sesslimit::fleet
