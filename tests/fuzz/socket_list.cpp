// SPDX-License-Identifier: MIT
// A part of the kernel's list of TCP sockets.
#include "daemon/inspect/socket_list.hpp"

#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <vector>

namespace sesslimit::fuzz {
namespace {

using inspect::SocketListPart;
using Status = SocketListPart::Status;

constexpr std::uint32_t sequence = 1;

SocketListPart read(std::span<const std::uint8_t> part) {
    return inspect::parse_socket_list_part(std::as_bytes(part), sequence);
}

bool is_valid(const SocketListPart& part) {
    return part.status == Status::continues || part.status == Status::ends;
}

/// Checks that a part that continues is read in the same way if the end of the list follows in the same part.
void end_may_follow(std::span<const std::uint8_t> bytes, const SocketListPart& part) {
    struct {
        nlmsghdr header{.nlmsg_len = sizeof(nlmsghdr) + sizeof(int),
                        .nlmsg_type = NLMSG_DONE,
                        .nlmsg_flags = 0,
                        .nlmsg_seq = sequence,
                        .nlmsg_pid = 0};
        int error = 0;
    } done;
    std::vector<std::uint8_t> longer(bytes.begin(), bytes.end());
    longer.resize((longer.size() + 3) / 4 * 4);
    const auto* end = reinterpret_cast<const std::uint8_t*>(&done);
    longer.insert(longer.end(), end, end + sizeof done);
    const SocketListPart whole = read(longer);
    must(whole.status == Status::ends && whole.sockets == part.sockets, "the end of the list may follow");
}

} // namespace

void one_input(std::span<const std::uint8_t> bytes) {
    const SocketListPart part = read(bytes);
    must(part.sockets.size() <= part.count && part.count <= bytes.size() / sizeof(nlmsghdr), "each socket has bytes");
    must(is_valid(part) || part.sockets.empty(), "a failure has no sockets");
    must(!is_valid(part) || !is_valid(inspect::parse_socket_list_part(std::as_bytes(bytes), sequence + 1)),
         "a reply to one request is not a reply to another");
    const bool positive = std::ranges::all_of(part.sockets, [](const inspect::ListedSocket& socket) {
        return std::min({socket.traffic.since_in, socket.traffic.since_out, socket.traffic.unacknowledged}) >=
               Duration{};
    });
    must(positive, "times are not negative");
    if (part.status == Status::continues) {
        end_may_follow(bytes, part);
    }
}

} // namespace sesslimit::fuzz
