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

/// The two ends of a TCP connection, from where its server is.
struct Ends {
    policy::Address client;
    policy::Address server;        ///< of the client's family
    std::uint16_t client_port = 0; ///< from 1
    std::uint16_t server_port = 0; ///< from 1
    std::string interface;         ///< of link-local addresses: a name, or a number (RFC 4007, 11); else empty
    bool operator==(const Ends&) const = default;
};

/// Reads sshd's SSH_CONNECTION: "CLIENT PORT SERVER PORT" (ssh(1), ENVIRONMENT), at most wire::max_connection bytes.
/// An IPv4 address mapped into IPv6 is its IPv4 address. Nothing for whatever else, as sshd's own "UNKNOWN" for what
/// is no IP connection.
std::optional<Ends> parse_ssh_connection(std::string_view text);

/// What one TCP connection has carried since it was made. Bytes are those that TCP carried, repeats not among them:
/// what ssh sends on its own (key exchange, keepalives) counts too.
struct Traffic {
    std::uint64_t bytes_in = 0;     ///< received
    std::uint64_t bytes_out = 0;    ///< sent, and the client has acknowledged them
    std::uint64_t segments_in = 0;  ///< that held data. The kernel counts them modulo 2^32
    std::uint64_t segments_out = 0; ///< the same, repeats among them
    /// Age of the youngest data in either direction, in milliseconds of a clock that stands still in suspend. The
    /// kernel tells it modulo 2^32 of them: data of 50 days ago looks young again.
    Duration since_data{};
    std::uint64_t cookie = 0; ///< another connection between the same ends has another one
    bool operator==(const Traffic&) const = default;
};

/// Asks the kernel for connections by sock_diag(7), with no privilege.
class Connections {
  public:
    /// The connections of the network namespace in which the socket was made. Without a socket there are none.
    explicit Connections(UniqueFd sock_diag) : socket_(std::move(sock_diag)) {}

    /// For this process's own namespace; empty where it may not be made.
    static UniqueFd socket_here() noexcept;

    /// One exact look-up, however many sockets there are. It does not block, but for a kernel that first has to load
    /// its module tcp_diag. Nothing: there is no such connection (now, or in that namespace, or it is bound to a VRF),
    /// the text is not one, or the kernel is older than 4.6.
    std::optional<Traffic> traffic_of(std::string_view ssh_connection);

  private:
    UniqueFd socket_;
    std::uint32_t sequence_ = 0; ///< of the last question
};

/// The kernel's answer to a question about `ends` with that sequence number: netlink(7) and linux/inet_diag.h. Nothing
/// where it is not of that form, is an error, or is about another socket: a look-up that finds no connection goes on
/// to the socket that listens there, which is sshd's.
std::optional<Traffic> traffic_in(std::span<const std::byte> reply, const Ends& ends, std::uint32_t sequence) noexcept;

} // namespace sesslimit::inspect
