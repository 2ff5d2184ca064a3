// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/inspect/socket_message.hpp"

#include <linux/netlink.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

/// List of all TCP sockets of a network namespace, IPv4 and IPv6, with their traffic and their control groups. The
/// kernel sends the list in parts (sock_diag(7), inet_diag_dump_icsk in net/ipv4/inet_diag.c). Sockets of other network
/// namespaces are not listed, such as those of containers and of "ip netns exec".
namespace sesslimit::inspect {

/// Request for the list. The only request that includes both families is the one of Linux 2.6, which ss(8) uses too.
struct SocketListRequest {
    nlmsghdr header;
    inet_diag_req request;
};

/// Returns the request. Sockets in states without data, such as LISTEN and TIME_WAIT, are not requested.
SocketListRequest socket_list_request() noexcept;

/// TCP socket in the list.
struct ListedSocket {
    /// ID of the control group (SocketMessage::cgroup). Parent groups do not include it.
    std::uint64_t cgroup = 0;
    Traffic traffic;
    bool operator==(const ListedSocket&) const = default;
};

/// Part of the list.
struct SocketListPart {
    enum class Status : std::uint8_t {
        /// More parts follow.
        continues,
        /// The list is complete with this part.
        ends,
        /// The list is not complete, because the part is malformed or the kernel reports a failure that can be
        /// temporary.
        fails,
        /// The kernel cannot create the list, or does not report the control groups of sockets: it is older than 5.9,
        /// lacks a feature, or denies the request.
        unavailable,
    };
    Status status = Status::fails;
    /// Number of sockets in the part, including those without traffic.
    std::size_t count = 0;
    /// Sockets with traffic. Empty after a failure.
    std::vector<ListedSocket> sockets;
};

/// Parses a part of the list. `sequence` is the sequence number of the request.
SocketListPart parse_socket_list_part(Bytes part, std::uint32_t sequence);

} // namespace sesslimit::inspect
