// SPDX-License-Identifier: MIT
#include "ctl/client/fleet_client.hpp"

#include "common/unique_fd.hpp"
#include "ctl/client/escaped_client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <span>

namespace sesslimit::ctl {
namespace {

namespace admin = fleet::admin;
using Kind = Failure::Kind;

std::unexpected<Failure> failed(std::string what, Kind kind = Kind::other) {
    return std::unexpected(Failure{kind, std::move(what)});
}

/// Describes why no connection could be made, and what to do.
std::unexpected<Failure> not_connected(const std::string& path, int error) {
    if (error == EACCES || error == EPERM) {
        return failed("only root may use 'sesslimitctl fleet'", Kind::not_allowed);
    }
    if (error == ENOENT) {
        return failed("this host is not in a fleet, because " + safe(path) +
                      " does not exist; install the package sesslimit-fleet, write /etc/sesslimit/fleet.toml, and run "
                      "'systemctl start sesslimit-fleetd.socket'");
    }
    if (error == ECONNREFUSED) {
        return failed("sesslimit-fleetd is not running; run 'systemctl start sesslimit-fleetd.socket'");
    }
    return failed("failed to connect to " + safe(path) + ": " + std::strerror(error));
}

Answer<UniqueFd> connect_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return not_connected(path, ENAMETOOLONG);
    }
    path.copy(address.sun_path, path.size());
    UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
        return not_connected(path, errno);
    }
    return fd;
}

/// Adds a frame to a reply.
struct Add {
    FleetReply& reply;

    void operator()(const admin::SessionRow& row) const {
        reply.sessions.push_back({.host = std::string(row.host),
                                  .session = row.session,
                                  .user = std::string(row.user),
                                  .uid = row.uid,
                                  .slot = row.slot,
                                  .since = row.since,
                                  .service = std::string(row.service),
                                  .tty = std::string(row.tty),
                                  .origin = std::string(row.origin),
                                  .rule = std::string(row.rule)});
    }
    void operator()(const admin::HostRow& row) const {
        reply.hosts.push_back({.name = std::string(row.name),
                               .is_this = row.is_this,
                               .version = std::string(row.version),
                               .policy = std::string(row.policy),
                               .sessions = row.sessions});
    }
    void operator()(const admin::StateRow& row) const {
        reply.state = FleetState{.fleet = std::string(row.fleet),
                                 .host = std::string(row.host),
                                 .version = std::string(row.version),
                                 .up = row.up,
                                 .reason = std::string(row.reason),
                                 .by_uid = row.by_uid,
                                 .lease = row.lease,
                                 .ttl = row.ttl,
                                 .sessions = row.sessions};
    }
    void operator()(const admin::NodeRow& row) const {
        reply.nodes.push_back({.endpoint = std::string(row.endpoint),
                               .reachable = row.reachable,
                               .problem = std::string(row.problem),
                               .version = std::string(row.version),
                               .leader = row.leader,
                               .member = row.member,
                               .size = row.size,
                               .in_use = row.in_use,
                               .quota = row.quota,
                               .revision = row.revision,
                               .raft_index = row.raft_index,
                               .raft_applied = row.raft_applied,
                               .latency_us = row.latency_us});
    }
    void operator()(const admin::AlarmRow& row) const { reply.alarms.push_back(row); }
    void operator()(const admin::EndedRow& row) const {
        reply.ended.push_back({.host = std::string(row.host), .answered = row.answered, .count = row.count});
    }
    void operator()(const admin::Done& done) const { reply.note = done.text; }
};

/// Returns the failure that the last frame of a reply describes.
std::optional<Failure> failure_of(const admin::Done& done) {
    const Kind kind = done.code == admin::Done::Code::not_allowed ? Kind::not_allowed
                      : done.code == admin::Done::Code::not_found ? Kind::no_such_user
                                                                  : Kind::other;
    return done.code == admin::Done::Code::ok ? std::nullopt
                                              : std::optional(Failure{kind, safe(std::string(done.text))});
}

} // namespace

Answer<FleetReply> FleetClient::ask(const admin::Request& request) {
    const auto socket = connect_to(socket_);
    if (!socket) {
        return std::unexpected(socket.error());
    }
    std::array<std::byte, admin::max_frame + 1> bytes{};
    const auto size = admin::encode_any(request, std::span(bytes).first(admin::max_frame));
    if (!size) {
        return failed("the request is not valid: " + std::string(sesslimit::wire::describe(size.error())));
    }
    // A peer that has closed the connection has sent the reason before.
    if (::send(socket->get(), bytes.data(), *size, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET) {
        return failed("failed to send the request to sesslimit-fleetd: " + std::string(std::strerror(errno)));
    }
    const auto* end = std::get_if<admin::End>(&request);
    const int patience = patience_ + (end != nullptr ? static_cast<int>(end->timeout_ms) : 0);
    FleetReply reply;
    bool was_reset = false;
    while (true) {
        pollfd ready{.fd = socket->get(), .events = POLLIN, .revents = 0};
        const int found = poll(&ready, 1, patience);
        if (found == 0) {
            return failed("sesslimit-fleetd does not answer; check 'systemctl status sesslimit-fleetd'");
        }
        const ssize_t length = recv(socket->get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
            continue;
        }
        // unix(7) sockets report that the peer has not read the request before they return its frames.
        if (length < 0 && errno == ECONNRESET && !std::exchange(was_reset, true)) {
            continue;
        }
        if (length <= 0) {
            return failed("sesslimit-fleetd has closed the connection; check 'systemctl status sesslimit-fleetd'");
        }
        const auto row = admin::decode_row(std::span<const std::byte>(bytes).first(static_cast<std::size_t>(length)));
        if (!row) {
            return failed(
                "sesslimit-fleetd has sent an invalid frame: " + std::string(sesslimit::wire::describe(row.error())) +
                "; check that both programs have the same version");
        }
        std::visit(Add{reply}, *row);
        if (const auto* done = std::get_if<admin::Done>(&*row)) {
            if (auto failure = failure_of(*done)) {
                return std::unexpected(*std::move(failure));
            }
            return reply;
        }
    }
}

} // namespace sesslimit::ctl
