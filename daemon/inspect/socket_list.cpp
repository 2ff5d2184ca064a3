// SPDX-License-Identifier: MIT
#include "daemon/inspect/socket_list.hpp"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <utility>

namespace sesslimit::inspect {
namespace {

using Status = SocketListPart::Status;

/// States of a socket in which it can have data in at least one direction (net/tcp_states.h of the kernel). The header
/// netinet/tcp.h also lists them, but conflicts with linux/tcp.h.
enum class State : std::uint8_t {
    established = 1,
    fin_wait1 = 4,
    fin_wait2 = 5,
    close_wait = 8,
    last_ack = 9,
    closing = 11,
};

/// Minimum size in bytes of an entry for a socket. It is a bound for the number of entries in a part.
constexpr std::size_t min_entry_length = sizeof(nlmsghdr) + sizeof(inet_diag_msg);

/// Interprets the error number at the beginning of a message of type NLMSG_ERROR or NLMSG_DONE. The number is negative,
/// or 0 for success.
Status status_of(Bytes payload, Status success) noexcept {
    const auto error = take<int>(payload);
    if (!error) {
        return Status::fails;
    }
    switch (*error) {
    case 0:
        return success;
    case -EBUSY:
    case -EAGAIN:
    case -EINTR:
    case -ENOMEM:
    case -ENOBUFS:
        return Status::fails;
    default:
        return Status::unavailable;
    }
}

/// Adds the socket that the message describes to the part.
Status add(SocketListPart& part, Bytes payload) {
    const auto message = parse_socket_message(payload);
    if (!message) {
        return Status::fails;
    }
    ++part.count;
    const auto traffic = traffic_in(*message);
    if (!traffic) {
        return Status::continues;
    }
    if (!message->cgroup) {
        return Status::unavailable;
    }
    part.sockets.push_back({.cgroup = *message->cgroup, .traffic = *traffic});
    return Status::continues;
}

/// Reads the first message of `rest` into the part, and removes the message from `rest`.
Status read_message(SocketListPart& part, Bytes& rest, std::uint32_t sequence) {
    Bytes message = rest;
    const auto header = take<nlmsghdr>(message);
    if (!header || header->nlmsg_len < sizeof *header || header->nlmsg_len > rest.size() ||
        header->nlmsg_seq != sequence || (header->nlmsg_flags & NLM_F_DUMP_INTR) != 0) {
        return Status::fails;
    }
    message = message.first(header->nlmsg_len - sizeof *header);
    rest = without_padded(rest, header->nlmsg_len);
    switch (header->nlmsg_type) {
    case TCPDIAG_GETSOCK:
        return add(part, message);
    case NLMSG_DONE:
        return status_of(message, Status::ends);
    case NLMSG_ERROR:
        return status_of(message, Status::fails); // 0 is an acknowledgment, which was not requested
    default:
        return Status::fails;
    }
}

} // namespace

SocketListRequest socket_list_request() noexcept {
    SocketListRequest list{};
    list.header.nlmsg_type = TCPDIAG_GETSOCK;
    list.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    list.request.idiag_family = AF_UNSPEC;
    list.request.idiag_ext = 1U << (INET_DIAG_INFO - 1U);
    for (const State state :
         {State::established, State::fin_wait1, State::fin_wait2, State::close_wait, State::last_ack, State::closing}) {
        list.request.idiag_states |= 1U << std::to_underlying(state);
    }
    return list;
}

SocketListPart parse_socket_list_part(Bytes part, std::uint32_t sequence) {
    SocketListPart read{.status = Status::fails, .count = 0, .sockets = {}};
    read.sockets.reserve(part.size() / min_entry_length);
    do {
        read.status = read_message(read, part, sequence);
    } while (read.status == Status::continues && !part.empty());
    if (read.status == Status::fails || read.status == Status::unavailable) {
        read.sockets.clear();
    }
    return read;
}

} // namespace sesslimit::inspect
