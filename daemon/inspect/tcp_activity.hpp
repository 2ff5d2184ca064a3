// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "common/unique_fd.hpp"
#include "daemon/policy/address.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace sesslimit::inspect {

/// Endpoints of a TCP connection, from the point of view of its server.
struct Ends {
    policy::Address client;
    policy::Address server;        ///< of the client's family
    std::uint16_t client_port = 0; ///< from 1
    std::uint16_t server_port = 0; ///< from 1
    std::string interface;         ///< for link-local addresses: a name or a number (RFC 4007, 11); otherwise empty
    bool operator==(const Ends&) const = default;
};

/// Parses SSH_CONNECTION of sshd: "CLIENT PORT SERVER PORT" (ssh(1), ENVIRONMENT), at most wire::max_connection bytes.
/// An IPv4 address mapped into IPv6 is converted to IPv4. Returns nothing for any other text, such as "UNKNOWN", which
/// sshd uses if it is not an IP connection.
std::optional<Ends> parse_ssh_connection(std::string_view text);

/// Traffic of one TCP connection since it was established. Bytes are those carried by TCP, without retransmissions.
/// Data that ssh sends by itself (key exchange, keepalives) is included.
struct Traffic {
    std::uint64_t bytes_in = 0;     ///< received
    std::uint64_t bytes_out = 0;    ///< sent, and acknowledged by the client
    std::uint64_t segments_in = 0;  ///< segments with data only. The kernel counts them modulo 2^32
    std::uint64_t segments_out = 0; ///< the same, including retransmissions
    /// Age of the latest data in either direction, in milliseconds of a clock that does not advance in suspend. The
    /// kernel reports it modulo 2^32, so data that is 50 days old appears recent again.
    Duration since_data{};
    std::uint64_t cookie = 0; ///< differs between connections of the same endpoints
    bool operator==(const Traffic&) const = default;
};

/// Reads the state of connections from the kernel with sock_diag(7). Requires no privileges.
class Connections {
  public:
    /// Reads the connections of the network namespace in which the socket was created. Without a socket, no connection
    /// is found.
    explicit Connections(UniqueFd sock_diag) : socket_(std::move(sock_diag)) {}

    /// Returns a socket for the namespace of this process. It is empty if the socket cannot be created.
    static UniqueFd socket_here() noexcept;

    /// Performs one exact lookup, whose cost does not depend on the number of sockets. It only blocks if the kernel has
    /// to load its module tcp_diag first. Returns nothing if the text is not valid or the kernel is older than 4.6.
    /// Also returns nothing if the connection does not exist now or in that namespace, or is bound to a VRF.
    std::optional<Traffic> traffic_of(std::string_view ssh_connection);

  private:
    UniqueFd socket_;
    std::uint32_t sequence_ = 0; ///< of the last request
};

/// Parses the kernel's reply to a request about `ends` with that sequence number: netlink(7) and linux/inet_diag.h.
/// Returns nothing if the reply does not have that form, is an error, or describes another socket. If no connection is
/// found, the kernel continues with the socket that listens there, which is that of sshd.
std::optional<Traffic> traffic_in(std::span<const std::byte> reply, const Ends& ends, std::uint32_t sequence) noexcept;

} // namespace sesslimit::inspect
