// SPDX-License-Identifier: MIT
#include "daemon/inspect/tcp_activity.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <sys/socket.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace sesslimit;
using namespace std::chrono_literals;
using inspect::Ends;
using inspect::Traffic;

std::string escape_for_display(const std::optional<Ends>& ends) {
    if (!ends) {
        return "-";
    }
    const auto text = [](const policy::Address& address) {
        char name[INET6_ADDRSTRLEN] = "?";
        const int family = address.family == policy::Address::Family::v4 ? AF_INET : AF_INET6;
        (void)inet_ntop(family, address.bytes.data(), name, sizeof name);
        return std::string(name);
    };
    return text(ends->client) + " " + std::to_string(ends->client_port) + " " + text(ends->server) + " " +
           std::to_string(ends->server_port) + (ends->interface.empty() ? "" : " on " + ends->interface);
}

SESSLIMIT_TEST(ssh_connection_parsed_strictly) {
    struct Case {
        std::string text;
        std::string_view ends;
    };
    const std::string nul(1, '\0');
    const Case cases[] = {
        {"192.0.2.7 5555 192.0.2.1 22", "192.0.2.7 5555 192.0.2.1 22"},
        {"192.0.2.7 1 192.0.2.1 65535", "192.0.2.7 1 192.0.2.1 65535"},
        {"2001:db8::7 5555 2001:DB8:0::1 22", "2001:db8::7 5555 2001:db8::1 22"},
        {"::ffff:192.0.2.7 5555 192.0.2.1 22", "192.0.2.7 5555 192.0.2.1 22"},
        {"::ffff:c000:207 5555 ::ffff:192.0.2.1 22", "192.0.2.7 5555 192.0.2.1 22"},
        {"fe80::7%eth0 5555 fe80::1%eth0 22", "fe80::7 5555 fe80::1 22 on eth0"},
        {"fe80::7%2 5555 fe80::1%2 22", "fe80::7 5555 fe80::1 22 on 2"},
        {"fe80::7%eth0 5555 2001:db8::1 22", "fe80::7 5555 2001:db8::1 22 on eth0"},
        {"2001:db8::7 5555 febf::1%br-0.5 22", "2001:db8::7 5555 febf::1 22 on br-0.5"},
        {"fe80::7 5555 fe80::1 22", "fe80::7 5555 fe80::1 22"},
        {"fe80::7%eth0 5555 fe80::1%eth1 22", "-"}, // such a connection cannot exist
        {"fe80::7% 5555 fe80::1% 22", "-"},
        {"fe80::7%0123456789abcdef 5555 fe80::1 22", "-"},
        {"fe80::7%eth0%eth0 5555 fe80::1 22", "-"},
        {"fe80::7%eth0:1 5555 fe80::1 22", "-"},
        {"2001:db8::7%eth0 5555 2001:db8::1 22", "-"},
        {"192.0.2.7%eth0 5555 192.0.2.1 22", "-"},
        {"::ffff:192.0.2.7%eth0 5555 192.0.2.1 22", "-"},
        {"192.0.2.7 5555 2001:db8::1 22", "-"},
        {"192.0.2.7 0 192.0.2.1 22", "-"},
        {"192.0.2.7 5555 192.0.2.1 0", "-"},
        {"192.0.2.7 5555 192.0.2.1 65536", "-"},
        {"192.0.2.7 99999999999999999999 192.0.2.1 22", "-"},
        {"192.0.2.7 -1 192.0.2.1 22", "-"},
        {"192.0.2.7 05555 192.0.2.1 22", "-"},
        {"192.0.2.7 5555 192.0.2.1 22x", "-"},
        {"192.0.2.7 0x16 192.0.2.1 22", "-"},
        {"UNKNOWN 65535 UNKNOWN 65535", "-"}, // sshd's text if its end is not a socket
        {"", "-"},
        {"   ", "-"},
        {"192.0.2.7", "-"},
        {"192.0.2.7 5555 192.0.2.1 ", "-"},
        {"192.0.2.7 5555 22", "-"}, // SSH_CLIENT
        {"192.0.2.7 5555 192.0.2.1 22 ", "-"},
        {"192.0.2.7 5555 192.0.2.1 22 22", "-"},
        {" 192.0.2.7 5555 192.0.2.1 22", "-"},
        {"192.0.2.7  5555 192.0.2.1 22", "-"},
        {"192.0.2.7 5555 192.0.2.1 22\n", "-"},
        {"192.0.2.7 5555 192.0.2.1 22" + nul, "-"},
        {"192.0.2.7" + nul + " 5555 192.0.2.1 22", "-"},
        {"fe80::7%eth0" + nul + " 5555 fe80::1 22", "-"},
        {"192.0.2.256 5555 192.0.2.1 22", "-"},
        {"[2001:db8::7] 5555 2001:db8::1 22", "-"},
        {"localhost 5555 192.0.2.1 22", "-"},
        {"\xff\xfe\xfd", "-"},
        {std::string(65536, '1'), "-"},
        {"192.0.2.7 5555 192.0.2.1 22" + std::string(65536, ' '), "-"},
    };
    for (const Case& one : cases) {
        EXPECT_TEXT(escape_for_display(inspect::parse_ssh_connection(one.text)), one.ends);
        if (one.ends == "-") {
            EXPECT(!inspect::Connections(inspect::SockDiag::socket_here()).traffic_of(one.text).has_value(),
                   one.text.substr(0, 64));
        }
    }
}

/// A reply of the kernel, assembled by hand.
struct Reply {
    nlmsghdr header{
        .nlmsg_len = 0, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = 0, .nlmsg_seq = 7, .nlmsg_pid = 0};
    inet_diag_msg message{};
    tcp_info info{};
    std::size_t info_size = sizeof(tcp_info);
    nlattr before{.nla_len = 5, .nla_type = INET_DIAG_SHUTDOWN}; ///< one byte of data and three of padding
    std::int32_t longer = 0;                                     ///< error of the header's length, in bytes
    int info_longer = 0;                                         ///< error of the attribute's length, in bytes

    Reply() {
        message.idiag_family = AF_INET;
        message.id.idiag_sport = htons(22);
        message.id.idiag_dport = htons(5555);
        (void)inet_pton(AF_INET, "192.0.2.1", message.id.idiag_src);
        (void)inet_pton(AF_INET, "192.0.2.7", message.id.idiag_dst);
        message.id.idiag_cookie[0] = 2;
        message.id.idiag_cookie[1] = 1;
        info.tcpi_last_data_recv = 3000;
        info.tcpi_last_data_sent = 2000;
        info.tcpi_bytes_received = 1ULL << 40U;
        info.tcpi_bytes_sent = 21;
        info.tcpi_bytes_retrans = 10;
        info.tcpi_data_segs_in = 12;
        info.tcpi_data_segs_out = 18;
        info.tcpi_total_retrans = 5;
    }
    void of_v6(const char* server, const char* client) {
        message.idiag_family = AF_INET6;
        (void)inet_pton(AF_INET6, server, message.id.idiag_src);
        (void)inet_pton(AF_INET6, client, message.id.idiag_dst);
    }
    [[nodiscard]] std::vector<std::byte> bytes() const {
        std::vector<std::byte> all;
        const auto add = [&](const void* from, std::size_t size) {
            const auto* first = static_cast<const std::byte*>(from);
            all.insert(all.end(), first, first + size);
        };
        const std::uint32_t filling = 0;
        const nlattr head{.nla_len = static_cast<__u16>(static_cast<int>(sizeof(nlattr) + info_size) + info_longer),
                          .nla_type = INET_DIAG_INFO};
        add(&header, sizeof header);
        add(&message, sizeof message);
        add(&before, sizeof before);
        add(&filling, sizeof filling);
        add(&head, sizeof head);
        add(&info, info_size);
        const auto length = static_cast<std::uint32_t>(static_cast<std::int32_t>(all.size()) + longer);
        std::memcpy(all.data(), &length, sizeof length);
        return all;
    }
};

constexpr std::string_view asked_v4 = "192.0.2.7 5555 192.0.2.1 22";
constexpr std::string_view asked_v6 = "2001:db8::7 5555 2001:db8::1 22";

std::optional<Traffic> read(std::span<const std::byte> reply, std::string_view asked = asked_v4) {
    return inspect::traffic_in(reply, inspect::parse_ssh_connection(asked).value(), 7);
}

SESSLIMIT_TEST(valid_reply_parsed) {
    const Traffic traffic{.bytes_in = 1ULL << 40U,
                          .bytes_out = 11,
                          .segments_in = 12,
                          .segments_out = 13,
                          .since_in = 3s,
                          .since_out = 2s,
                          .cookie = 0x1'0000'0002};
    EXPECT(read(Reply().bytes()) == traffic, "IPv4");
    Reply dual_stack;
    dual_stack.of_v6("::ffff:192.0.2.1", "::ffff:192.0.2.7");
    EXPECT(read(dual_stack.bytes()) == traffic, "IPv4 on a socket of IPv6");
    Reply v6;
    v6.of_v6("2001:db8::1", "2001:db8::7");
    EXPECT(read(v6.bytes(), asked_v6) == traffic, "IPv6");
    Reply shorter;
    shorter.info_size = offsetof(tcp_info, tcpi_dsack_dups); // Linux 4.19
    EXPECT(read(shorter.bytes()) == traffic, "from an older kernel");
    auto longer = Reply().bytes();
    longer.resize(longer.size() + 100);
    EXPECT(read(longer) == traffic, "data after the message is ignored");
}

SESSLIMIT_TEST(invalid_reply_rejected) {
    using Change = void (*)(Reply&);
    const std::pair<const char*, Change> cases[] = {
        {"error message", [](Reply& reply) { reply.header.nlmsg_type = NLMSG_ERROR; }},
        {"end of a dump", [](Reply& reply) { reply.header.nlmsg_type = NLMSG_DONE; }},
        {"reply to another request", [](Reply& reply) { reply.header.nlmsg_seq = 8; }},
        {"stated length too large", [](Reply& reply) { reply.longer = 1; }},
        {"stated length much too large",
         [](Reply& reply) { reply.longer = -1 - static_cast<int>(reply.bytes().size()); }},
        {"stated length below the header size",
         [](Reply& reply) { reply.longer = 15 - static_cast<int>(reply.bytes().size()); }},
        {"the listener", [](Reply& reply) { reply.message.id.idiag_dport = 0; }},
        {"another server's port", [](Reply& reply) { reply.message.id.idiag_sport = htons(23); }},
        {"another server", [](Reply& reply) { reply.message.id.idiag_src[0] = 0; }},
        {"another client", [](Reply& reply) { reply.message.id.idiag_dst[0] = 0; }},
        {"another address family", [](Reply& reply) { reply.message.idiag_family = AF_INET6; }},
        {"not an IP address family", [](Reply& reply) { reply.message.idiag_family = AF_UNIX; }},
        {"IPv6 address with the same last bytes",
         [](Reply& reply) { reply.of_v6("2001:db8::192.0.2.1", "::ffff:192.0.2.7"); }},
        {"empty attribute", [](Reply& reply) { reply.before.nla_len = 0; }},
        {"attribute shorter than its header", [](Reply& reply) { reply.before.nla_len = 3; }},
        {"attribute beyond the end", [](Reply& reply) { reply.before.nla_len = 0xFFFF; }},
        {"older kernel", [](Reply& reply) { reply.info_size = offsetof(tcp_info, tcpi_bytes_retrans); }},
        {"very old kernel", [](Reply& reply) { reply.info_size = 104; }},
        {"no tcp_info", [](Reply& reply) { reply.info_size = 0; }},
        {"tcp_info beyond the end", [](Reply& reply) { reply.info_longer = 1; }},
    };
    for (const auto& [about, change] : cases) {
        Reply reply;
        change(reply);
        EXPECT(!read(reply.bytes()).has_value(), about);
    }
    EXPECT(!read(Reply().bytes(), asked_v6).has_value(), "IPv4 reply to an IPv6 request");
    const auto whole = Reply().bytes();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        // A heap block of exactly this size, so that a sanitizer detects a read beyond it.
        const std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT(!read(cut).has_value(), std::to_string(size));
    }
}

} // namespace
