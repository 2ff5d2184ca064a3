// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"

#include <linux/inet_diag.h>
#include <linux/tcp.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

/// Parser of the messages by which sock_diag(7) describes a socket (linux/inet_diag.h).
namespace sesslimit::inspect {

using Bytes = std::span<const std::byte>;

/// Traffic of one TCP connection since it was established. The counts are those of TCP payload without retransmissions.
/// They include data that ssh sends by itself (key exchange, keepalives). The kernel counts a received FIN as a byte
/// (tcp_rcv_nxt_update in net/ipv4/tcp_input.c).
struct Traffic {
    /// Received bytes.
    std::uint64_t bytes_in = 0;
    /// Sent bytes.
    std::uint64_t bytes_out = 0;
    /// Number of received segments with data, modulo 2^32.
    std::uint64_t segments_in = 0;
    /// Number of sent segments with data, modulo 2^32.
    std::uint64_t segments_out = 0;
    /// Time since data was received, or since the connection was established if no data was received. The kernel
    /// measures this time in ticks of 1 to 10 ms, on a clock that stops in suspend. The value is modulo 2^32
    /// milliseconds, so data that is 50 days old appears recent again.
    Duration since_in{};
    /// Time since data was sent, including retransmissions, or since the connection was established if no data was
    /// sent. Measured like `since_in`.
    Duration since_out{};
    /// Minimum time for which the peer has not acknowledged data that was sent to it. 0 if all data is acknowledged.
    /// The time is longer if the retransmission timeout of the kernel has reached its maximum of 120 s.
    Duration unacknowledged{};
    /// Identifier of the socket, which distinguishes successive connections between the same endpoints.
    std::uint64_t cookie = 0;
    bool operator==(const Traffic&) const = default;
};

/// Values of a message about a socket.
struct SocketMessage {
    inet_diag_msg socket{};
    /// Absent if the kernel is older than 4.19, or has no such data because the socket is in a state without data
    /// (TIME_WAIT).
    std::optional<tcp_info> info;
    /// ID of the control group in which the socket was created, which is the inode number of its directory. An accepted
    /// connection has the control group of the listening socket. The ID is not changed if the process moves to another
    /// control group (sk->sk_cgrp_data in net/core/sock.c). Absent if the kernel is older than 5.9 or lacks
    /// CONFIG_SOCK_CGROUP_DATA.
    std::optional<std::uint64_t> cgroup;
};

/// Parses `payload`, which is the message about a socket without its header (struct nlmsghdr). Returns nothing if the
/// message is malformed.
std::optional<SocketMessage> parse_socket_message(Bytes payload) noexcept;

/// Returns the traffic of the socket in the message. Returns nothing if the message does not contain it.
std::optional<Traffic> traffic_in(const SocketMessage& message) noexcept;

/// Reads a value from the beginning of `from`, and removes the value from `from`. Returns nothing if `from` is too
/// short.
template <class Value>
std::optional<Value> take(Bytes& from) noexcept {
    static_assert(std::is_trivially_copyable_v<Value>);
    if (from.size() < sizeof(Value)) {
        return std::nullopt;
    }
    Value value{};
    std::memcpy(&value, from.data(), sizeof value);
    from = from.subspan(sizeof value);
    return value;
}

/// Removes the first `size` bytes and the padding that follows them in a netlink message. Removes everything if `from`
/// is shorter.
Bytes without_padded(Bytes from, std::size_t size) noexcept;

} // namespace sesslimit::inspect
