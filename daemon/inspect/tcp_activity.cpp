// SPDX-License-Identifier: MIT
#include "daemon/inspect/tcp_activity.hpp"

#include "common/protocol.hpp"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fstream>

namespace sesslimit::inspect {
namespace {

using policy::Address;

struct SockDiagRequest {
    nlmsghdr header;
    inet_diag_req_v2 request;
};
static_assert(sizeof(SockDiagRequest) == NLMSG_HDRLEN + sizeof(inet_diag_req_v2), "nothing between the two");

/// Request for the UDP sockets of a control group, as a list. `filter` and `cgroup` are a program for the filter of
/// inet_diag_bc_run() in net/ipv4/inet_diag.c. The program has one instruction, which jumps to its end if the ID of the
/// control group equals `cgroup`, and otherwise behind its end, which excludes the socket.
struct UdpRequest {
    nlmsghdr header;
    inet_diag_req_v2 request;
    nlattr attribute;
    inet_diag_bc_op filter;
    std::array<std::byte, sizeof(std::uint64_t)> cgroup; // not aligned to 8 bytes in the message
};
static_assert(sizeof(UdpRequest) == sizeof(SockDiagRequest) + sizeof(nlattr) + sizeof(inet_diag_bc_op) + 8,
              "nothing between the members");

struct ScopedAddress {
    Address address;
    std::string_view interface;
};

bool is_link_local(const Address& address) noexcept {
    return address.family == Address::Family::v6 && address.bytes[0] == 0xFE && (address.bytes[1] & 0xC0U) == 0x80;
}

bool is_interface(std::string_view text) noexcept {
    return !text.empty() && text.size() < IFNAMSIZ &&
           std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~' && c != '/' && c != ':' && c != '%'; });
}

std::optional<ScopedAddress> parse_end(std::string_view text) noexcept {
    const std::size_t percent = text.find('%');
    const auto address = policy::parse_address(text.substr(0, percent));
    if (!address) {
        return std::nullopt;
    }
    if (percent == text.npos) {
        return ScopedAddress{*address, {}};
    }
    const std::string_view interface = text.substr(percent + 1);
    return is_link_local(*address) && is_interface(interface) ? std::optional(ScopedAddress{*address, interface})
                                                              : std::nullopt;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) noexcept {
    Number value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    const bool is_one = error == std::errc{} && stop == end && value != 0 && !text.starts_with('0');
    return is_one ? std::optional(value) : std::nullopt;
}

/// Returns the index of the network interface with this name or number. A name takes precedence, as in getaddrinfo(3).
/// Returns 0 if the text is neither the name of an interface nor a number. Names are searched in /proc/1/net/if_inet6,
/// because if_nametoindex(3) only knows the network namespace of the daemon. The file lists every interface with an
/// IPv6 address, and link-local connections exist only on such interfaces.
std::uint32_t index_of(const std::string& interface) {
    std::ifstream list("/proc/1/net/if_inet6");
    std::string address;
    std::uint32_t index = 0;
    std::string prefix_scope_flags;
    std::string name;
    const auto skip = [&] { return static_cast<bool>(list >> prefix_scope_flags); };
    while (list >> address >> std::hex >> index && skip() && skip() && skip() && list >> name) {
        if (name == interface) {
            return index;
        }
    }
    return parse_number<std::uint32_t>(interface).value_or(0);
}

std::array<std::uint8_t, 16> mapped(const Address& address) noexcept {
    std::array<std::uint8_t, 16> bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    std::copy_n(address.bytes.begin(), 4, bytes.begin() + 12);
    return bytes;
}

/// Returns true if `said`, an address in the kernel's reply, equals `address`, an address in the request. For an IPv4
/// connection to a socket that accepts both IPv4 and IPv6, the request has IPv4 addresses, and the reply has the same
/// addresses mapped into IPv6. Such a request succeeds because the kernel's lookup ignores the family of a socket
/// (net/ipv4/inet_hashtables.c).
bool is_end(const inet_diag_msg& message, const __be32 (&said)[4], const Address& address) noexcept {
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), said, sizeof said);
    const bool is_v4 = address.family == Address::Family::v4;
    if (message.idiag_family == AF_INET) {
        return is_v4 && std::equal(bytes.begin(), bytes.begin() + 4, address.bytes.begin());
    }
    return message.idiag_family == AF_INET6 && bytes == (is_v4 ? mapped(address) : address.bytes);
}

bool is_between(const inet_diag_msg& message, const Ends& ends) noexcept {
    const inet_diag_sockid& id = message.id;
    return id.idiag_sport == htons(ends.server_port) && id.idiag_dport == htons(ends.client_port) &&
           is_end(message, id.idiag_src, ends.server) && is_end(message, id.idiag_dst, ends.client);
}

std::optional<SockDiagRequest> question_about(const Ends& ends) {
    SockDiagRequest question{};
    question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    question.header.nlmsg_flags = NLM_F_REQUEST;
    inet_diag_req_v2& request = question.request;
    request.sdiag_family = ends.client.family == Address::Family::v4 ? AF_INET : AF_INET6;
    request.sdiag_protocol = IPPROTO_TCP;
    request.idiag_ext = 1U << (INET_DIAG_INFO - 1U);
    request.id.idiag_sport = htons(ends.server_port);
    request.id.idiag_dport = htons(ends.client_port);
    std::memcpy(request.id.idiag_src, ends.server.bytes.data(), sizeof request.id.idiag_src);
    std::memcpy(request.id.idiag_dst, ends.client.bytes.data(), sizeof request.id.idiag_dst);
    std::ranges::fill(request.id.idiag_cookie, INET_DIAG_NOCOOKIE);
    if (!ends.interface.empty()) {
        request.id.idiag_if = index_of(ends.interface);
        if (request.id.idiag_if == 0) {
            return std::nullopt;
        }
    }
    return question;
}

UdpRequest question_about(std::uint64_t cgroup, std::uint8_t family) {
    UdpRequest question{};
    question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    question.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    question.request.sdiag_family = family;
    question.request.sdiag_protocol = IPPROTO_UDP;
    question.request.idiag_states = ~0U;
    constexpr std::uint16_t length = sizeof question.filter + sizeof question.cgroup;
    question.attribute = {.nla_len = sizeof question.attribute + length, .nla_type = INET_DIAG_REQ_BYTECODE};
    question.filter = {.code = INET_DIAG_BC_CGROUP_COND, .yes = length, .no = length + 4};
    std::memcpy(question.cgroup.data(), &cgroup, sizeof cgroup);
    return question;
}

/// Discards the rest of a list that the kernel sends.
void discard_list(SockDiag& socket) noexcept {
    constexpr int most = 65536;
    for (int at = 0; at < most && socket.discard(); ++at) {
    }
}

} // namespace

std::optional<Ends> parse_ssh_connection(std::string_view text) {
    if (text.size() > wire::max_connection) {
        return std::nullopt;
    }
    std::array<std::string_view, 4> fields;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const std::size_t space = text.find(' ');
        if ((space == text.npos) != (i + 1 == fields.size())) {
            return std::nullopt;
        }
        fields[i] = text.substr(0, space);
        text.remove_prefix(std::min(fields[i].size() + 1, text.size()));
    }
    const auto client = parse_end(fields[0]);
    const auto client_port = parse_number<std::uint16_t>(fields[1]);
    const auto server = parse_end(fields[2]);
    const auto server_port = parse_number<std::uint16_t>(fields[3]);
    if (!client || !client_port || !server || !server_port || client->address.family != server->address.family) {
        return std::nullopt;
    }
    const std::string_view interface = client->interface.empty() ? server->interface : client->interface;
    if (!server->interface.empty() && server->interface != interface) {
        return std::nullopt;
    }
    return Ends{client->address, server->address, *client_port, *server_port, std::string(interface)};
}

std::optional<Traffic> traffic_in(Bytes reply, const Ends& ends, std::uint32_t sequence) noexcept {
    const std::size_t size = reply.size();
    const auto header = take<nlmsghdr>(reply);
    if (!header || header->nlmsg_len < sizeof *header || header->nlmsg_len > size ||
        header->nlmsg_type != SOCK_DIAG_BY_FAMILY || header->nlmsg_seq != sequence) {
        return std::nullopt;
    }
    const auto message = parse_socket_message(reply.first(header->nlmsg_len - sizeof *header));
    return message && is_between(message->socket, ends) ? traffic_in(*message) : std::nullopt;
}

std::optional<Traffic> Connections::traffic_of(std::string_view ssh_connection) {
    const auto ends = parse_ssh_connection(ssh_connection);
    const auto question = ends ? question_about(*ends) : std::nullopt;
    const auto sequence = question ? socket_.send(*question) : std::nullopt;
    if (!sequence) {
        return std::nullopt;
    }
    PartBuffer buffer; // NOLINT: only bytes that were written are read
    return traffic_in(socket_.receive(*sequence, buffer), *ends, *sequence);
}

std::optional<bool> Connections::has_udp_socket(ino_t cgroup) {
    const auto ip4 = has_udp_socket(cgroup, AF_INET);
    const auto ip6 = ip4.value_or(false) ? ip4 : has_udp_socket(cgroup, AF_INET6);
    return ip4 ? ip6 : std::nullopt;
}

std::optional<bool> Connections::has_udp_socket(ino_t cgroup, std::uint8_t family) {
    const auto sequence = socket_.send(question_about(cgroup, family));
    if (!sequence) {
        return std::nullopt;
    }
    PartBuffer buffer; // NOLINT: only bytes that were written are read
    Bytes list = socket_.receive(*sequence, buffer);
    const auto header = take<nlmsghdr>(list);
    if (!header || (header->nlmsg_type != SOCK_DIAG_BY_FAMILY && header->nlmsg_type != NLMSG_DONE)) {
        return std::nullopt;
    }
    const bool is_empty = header->nlmsg_type == NLMSG_DONE;
    if (!is_empty) {
        discard_list(socket_);
    }
    return !is_empty;
}

} // namespace sesslimit::inspect
