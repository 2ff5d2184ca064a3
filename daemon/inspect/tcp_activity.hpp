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
    policy::Address server;        ///< address of the server, of the same family as `client`
    std::uint16_t client_port = 0; ///< at least 1
    std::uint16_t server_port = 0; ///< at least 1
    std::string interface; ///< name or number of the interface for link-local addresses (RFC 4007, 11); otherwise empty
    bool operator==(const Ends&) const = default;
};

/// Parses SSH_CONNECTION of sshd: "CLIENT PORT SERVER PORT" (ssh(1), ENVIRONMENT), at most wire::max_connection bytes.
/// An IPv4 address mapped into IPv6 is converted to IPv4. Returns nothing for any other text. sshd writes "UNKNOWN" if
/// the connection does not use IP.
std::optional<Ends> parse_ssh_connection(std::string_view text);

/// Traffic of one TCP connection since it was established. The byte counts are payload of TCP without retransmissions.
/// The counts include data that ssh sends by itself (key exchange, keepalives).
struct Traffic {
    std::uint64_t bytes_in = 0;     ///< received bytes
    std::uint64_t bytes_out = 0;    ///< sent bytes that the client has acknowledged
    std::uint64_t segments_in = 0;  ///< received segments with data, modulo 2^32
    std::uint64_t segments_out = 0; ///< sent segments with data, including retransmissions, modulo 2^32
    /// Age of the latest data in either direction. The kernel measures the age in milliseconds, on a clock that stops
    /// in suspend. The age is reported modulo 2^32, so data that is 50 days old appears recent again.
    Duration since_data{};
    std::uint64_t cookie = 0; ///< identifier that differs between connections of the same endpoints
    bool operator==(const Traffic&) const = default;
};

/// Reader of the state of TCP connections. It uses sock_diag(7), which requires no privileges.
class Connections {
  public:
    /// Takes a socket of sock_diag(7). Only connections in the socket's network namespace are found. No connection is
    /// found if the descriptor is empty.
    explicit Connections(UniqueFd sock_diag) : socket_(std::move(sock_diag)) {}

    /// Returns a socket for the network namespace of this process. Returns an empty descriptor if the socket cannot be
    /// created.
    static UniqueFd socket_here() noexcept;

    /// Returns the traffic of the connection that SSH_CONNECTION describes. The cost of the lookup does not depend on
    /// the number of sockets. The call blocks only if the kernel must first load its module tcp_diag. Returns nothing
    /// if the text is not valid or the kernel is older than 4.6. Also returns nothing if the connection does not exist
    /// in the socket's namespace, or is bound to a VRF.
    std::optional<Traffic> traffic_of(std::string_view ssh_connection);

  private:
    UniqueFd socket_;
    std::uint32_t sequence_ = 0; ///< sequence number of the last request
};

/// Parses the kernel's reply to a request about `ends` with this sequence number (netlink(7), linux/inet_diag.h).
/// Returns nothing if the reply is malformed, is an error, or describes another socket. If the connection does not
/// exist, the kernel's reply describes the socket that listens on the server's port. That socket belongs to sshd.
std::optional<Traffic> traffic_in(std::span<const std::byte> reply, const Ends& ends, std::uint32_t sequence) noexcept;

} // namespace sesslimit::inspect
