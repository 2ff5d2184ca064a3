// SPDX-License-Identifier: MIT
#include "daemon/inspect/sock_diag.hpp"

#include "common/clock.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace sesslimit::inspect {
namespace {

/// Maximum number of messages that can be in the socket before a reply. systemd preserves the socket across restarts of
/// the daemon. If an earlier daemon process was killed between a request and the reply, the socket still contains the
/// reply. The kernel stops adding parts of a list if they fill half of the receive buffer.
constexpr int max_other_messages = 16;

bool has_sequence(Bytes message, std::uint32_t sequence) noexcept {
    const auto header = take<nlmsghdr>(message);
    return header && header->nlmsg_seq == sequence;
}

} // namespace

/// The sequence numbers begin at the time of the monotonic clock, because the socket can contain replies to the
/// requests of an earlier daemon process.
SockDiag::SockDiag(UniqueFd fd)
    : fd_(std::move(fd)), sequence_(static_cast<std::uint32_t>(monotonic_now().time_since_epoch().count())) {}

UniqueFd SockDiag::socket_here() noexcept {
    return UniqueFd(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG));
}

bool SockDiag::send(Bytes request) noexcept {
    return fd_ && ::send(fd_.get(), request.data(), request.size(), 0) == static_cast<ssize_t>(request.size());
}

SockDiag::Message SockDiag::next(PartBuffer& buffer) noexcept {
    if (!fd_) {
        return std::nullopt;
    }
    sockaddr_nl sender{};
    socklen_t length = sizeof sender;
    const ssize_t got = ::recvfrom(fd_.get(), buffer.data(), buffer.size(), MSG_TRUNC,
                                   reinterpret_cast<sockaddr*>(&sender), &length); // NOLINT: required by recvfrom()
    if (got < 0) {
        // ENOBUFS is reported once after the kernel has lost a message (netlink(7)).
        return errno == ENOBUFS ? Message(Bytes()) : std::nullopt;
    }
    // A message from netlink port 0 can only come from the kernel (netlink(7)).
    const bool is_kernel = length == sizeof sender && sender.nl_family == AF_NETLINK && sender.nl_pid == 0;
    const bool is_whole = static_cast<std::size_t>(got) <= buffer.size();
    return is_kernel && is_whole ? Bytes(buffer).first(static_cast<std::size_t>(got)) : Bytes();
}

bool SockDiag::discard() noexcept {
    PartBuffer buffer; // NOLINT: its content is not read. The kernel makes the parts of a list as large as the buffer.
    return next(buffer).has_value();
}

Bytes SockDiag::receive(std::uint32_t sequence, PartBuffer& buffer) {
    for (int at = 0; at <= max_other_messages; ++at) {
        const auto message = next(buffer);
        if (!message || has_sequence(*message, sequence)) {
            return message.value_or(Bytes());
        }
        if (list_reader_) {
            list_reader_(*message);
        }
    }
    return {};
}

} // namespace sesslimit::inspect
