// SPDX-License-Identifier: MIT
#pragma once

#include "common/unique_fd.hpp"
#include "daemon/inspect/sock_diag.hpp"
#include "daemon/inspect/socket_message.hpp"
#include "daemon/policy/address.hpp"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sesslimit::inspect {

/// Endpoints of a TCP connection, from the point of view of its server. Both addresses have the same family. Both ports
/// are at least 1.
struct Ends {
    policy::Address client;
    policy::Address server;
    std::uint16_t client_port = 0;
    std::uint16_t server_port = 0;
    /// Name or number of the network interface for link-local addresses (RFC 4007, section 11). Empty for other
    /// addresses.
    std::string interface;
    bool operator==(const Ends&) const = default;
};

/// Parses the variable SSH_CONNECTION of sshd, "CLIENT PORT SERVER PORT" (ssh(1), ENVIRONMENT), with at most
/// wire::max_connection bytes. An IPv4 address mapped into IPv6 is converted to IPv4. Returns nothing for any other
/// text. For example, sshd writes "UNKNOWN" if the connection does not use IP.
std::optional<Ends> parse_ssh_connection(std::string_view text);

/// Reader of the state of TCP connections and UDP sockets. It uses sock_diag(7), which requires no privileges.
class Connections {
  public:
    /// Takes ownership of a socket for sock_diag(7). Only connections in the network namespace of the socket are found.
    /// If the descriptor is empty, no connection is found.
    explicit Connections(UniqueFd sock_diag) : socket_(std::move(sock_diag)) {}

    /// Returns the socket, through which another reader can read a list at the same time. Lifetime: the reference is
    /// valid until this object is moved or destroyed.
    SockDiag& sock_diag() noexcept { return socket_; }

    /// Returns the traffic of the TCP connection that the variable SSH_CONNECTION of sshd describes. The cost of the
    /// lookup does not depend on the number of sockets on the host. The call blocks only if the kernel must first load
    /// its module tcp_diag. Returns nothing if the text is not valid or the kernel is older than 4.19. Also returns
    /// nothing if the connection does not exist in the network namespace of the sock_diag socket, or is bound to a VRF.
    std::optional<Traffic> traffic_of(std::string_view ssh_connection);

    /// Returns true if a process in the control group has created a UDP socket that is still open. Child groups are not
    /// included. `cgroup` is the ID of the control group, which is the inode number of its directory. The kernel
    /// inspects all UDP sockets of the network namespace. Returns nothing if the kernel did not answer, is older than
    /// 5.9, or is sending a list of other sockets through the sock_diag socket.
    std::optional<bool> has_udp_socket(ino_t cgroup);

  private:
    std::optional<bool> has_udp_socket(ino_t cgroup, std::uint8_t family);

    SockDiag socket_;
};

/// Parses the kernel's reply to a sock_diag request about the connection between the endpoints `ends` (netlink(7),
/// linux/inet_diag.h). `sequence` is the sequence number of the request. Returns nothing if the reply is malformed, is
/// an error, or describes another socket. If the connection does not exist, the reply describes sshd's socket that
/// listens on the server's port.
std::optional<Traffic> traffic_in(Bytes reply, const Ends& ends, std::uint32_t sequence) noexcept;

} // namespace sesslimit::inspect
