// SPDX-License-Identifier: MIT
#include "daemon/inspect/socket_message.hpp"

#include <linux/netlink.h>

#include <algorithm>
#include <chrono>

namespace sesslimit::inspect {
namespace {

/// Minimum size in bytes of a usable struct tcp_info. The struct of older kernels is shorter, and lacks fields that the
/// daemon needs.
constexpr std::size_t needed_info = offsetof(tcp_info, tcpi_bytes_retrans) + sizeof(tcp_info::tcpi_bytes_retrans);

std::optional<tcp_info> info_in(Bytes value) noexcept {
    if (value.size() < needed_info) {
        return std::nullopt;
    }
    tcp_info info{};
    std::memcpy(&info, value.data(), std::min(value.size(), sizeof info));
    return info;
}

/// Returns the time for which the peer has not acknowledged data. After each expiry of the retransmission timeout, the
/// kernel doubles the timeout and retransmits (tcp_retransmit_timer in net/ipv4/tcp_timer.c), so all timeouts before
/// the last retransmission add up to the current timeout minus the first one. tcpi_last_data_sent is the time since the
/// last transmission, including retransmissions (tcp_event_data_sent in net/ipv4/tcp_output.c). If the peer has sent an
/// acknowledgment since then, tcpi_last_ack_recv is shorter.
Duration unacknowledged_for(const tcp_info& info) noexcept {
    if (info.tcpi_unacked == 0) {
        return {};
    }
    constexpr unsigned max_shift = 31;
    const std::uint32_t first = info.tcpi_rto >> std::min<unsigned>(info.tcpi_backoff, max_shift);
    const Duration sent =
        std::chrono::microseconds(info.tcpi_rto - first) + std::chrono::milliseconds(info.tcpi_last_data_sent);
    return std::min<Duration>(sent, std::chrono::milliseconds(info.tcpi_last_ack_recv));
}

} // namespace

Bytes without_padded(Bytes from, std::size_t size) noexcept {
    constexpr std::size_t step = NLA_ALIGNTO;
    static_assert(step == NLMSG_ALIGNTO, "messages and attributes are padded alike");
    return from.subspan(std::min((size + step - 1) / step * step, from.size()));
}

std::optional<SocketMessage> parse_socket_message(Bytes payload) noexcept {
    const auto socket = take<inet_diag_msg>(payload);
    if (!socket) {
        return std::nullopt;
    }
    SocketMessage message{.socket = *socket, .info = {}, .cgroup = {}};
    while (const auto head = take<nlattr>(payload)) {
        if (head->nla_len < sizeof *head || head->nla_len - sizeof *head > payload.size()) {
            return std::nullopt;
        }
        const std::size_t size = head->nla_len - sizeof *head;
        Bytes value = payload.first(size);
        if ((head->nla_type & NLA_TYPE_MASK) == INET_DIAG_INFO) {
            message.info = info_in(value);
        } else if ((head->nla_type & NLA_TYPE_MASK) == INET_DIAG_CGROUP_ID) {
            message.cgroup = take<std::uint64_t>(value);
        }
        payload = without_padded(payload, size);
    }
    return message;
}

std::optional<Traffic> traffic_in(const SocketMessage& message) noexcept {
    if (!message.info) {
        return std::nullopt;
    }
    const tcp_info& info = *message.info;
    const auto& cookie = message.socket.id.idiag_cookie;
    return Traffic{.bytes_in = info.tcpi_bytes_received,
                   .bytes_out = info.tcpi_bytes_sent - info.tcpi_bytes_retrans,
                   .segments_in = info.tcpi_data_segs_in,
                   .segments_out = info.tcpi_data_segs_out - info.tcpi_total_retrans,
                   .since_in = std::chrono::milliseconds(info.tcpi_last_data_recv),
                   .since_out = std::chrono::milliseconds(info.tcpi_last_data_sent),
                   .unacknowledged = unacknowledged_for(info),
                   .cookie = std::uint64_t{cookie[1]} << 32U | cookie[0]};
}

} // namespace sesslimit::inspect
