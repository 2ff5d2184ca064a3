// SPDX-License-Identifier: MIT
// The kernel's reply about a connection. The first byte selects one of three connections.
#include "daemon/inspect/tcp_activity.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <linux/netlink.h>

#include <algorithm>
#include <vector>

namespace sesslimit::fuzz {
namespace {

constexpr std::uint32_t sequence = 1;

std::optional<inspect::Traffic> read(std::span<const std::uint8_t> reply, const inspect::Ends& ends) {
    return inspect::traffic_in(std::as_bytes(reply), ends, sequence);
}

/// Checks that only the reply's own length counts, so that bytes after it are not read.
void ends_where_it_says(std::span<const std::uint8_t> reply, const inspect::Ends& ends,
                        const inspect::Traffic& traffic) {
    nlmsghdr header{};
    must(reply.size() >= sizeof header, "a reply has a header");
    std::memcpy(&header, reply.data(), sizeof header);
    must(header.nlmsg_len <= reply.size() && header.nlmsg_seq == sequence,
         "the reply is complete and has the request's sequence number");
    std::vector<std::uint8_t> longer(reply.begin(), reply.begin() + header.nlmsg_len);
    must(read(longer, ends) == traffic, "a reply without trailing bytes gives the same result");
    longer.resize(longer.size() + 64, 0xff);
    must(read(longer, ends) == traffic, "trailing bytes are ignored");
}

} // namespace

void one_input(std::span<const std::uint8_t> bytes) {
    constexpr std::string_view asked[] = {"127.0.0.1 40000 127.0.0.1 22", "192.0.2.7 50001 192.0.2.1 22",
                                          "2001:db8::7 50001 2001:db8::1 2222"};
    Input input(bytes);
    const std::size_t which = input.byte() % std::size(asked);
    const auto ends = inspect::parse_ssh_connection(asked[which]);
    must(ends.has_value(), "the requested connection is valid");
    const auto traffic = read(input.rest(), *ends);
    if (!traffic) {
        return;
    }
    must(std::min(traffic->since_in, traffic->since_out) >= Duration{}, "the ages are not negative");
    must(!inspect::traffic_in(std::as_bytes(input.rest()), *ends, sequence + 1),
         "a reply to another request is rejected");
    for (std::size_t other = 0; other < std::size(asked); ++other) {
        must(other == which || !read(input.rest(), *inspect::parse_ssh_connection(asked[other])),
             "a reply is about one connection");
    }
    ends_where_it_says(input.rest(), *ends, *traffic);
}

} // namespace sesslimit::fuzz
