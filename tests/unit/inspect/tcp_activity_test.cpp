// SPDX-License-Identifier: MIT
#include "daemon/inspect/tcp_activity.hpp"

#include "common/clock.hpp"
#include "common/unique_fd.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/control_group.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace sesslimit;
using namespace std::chrono_literals;
using inspect::Traffic;

std::optional<Traffic> traffic_of(std::string_view said) {
    return inspect::Connections(inspect::SockDiag::socket_here()).traffic_of(said);
}

/// Address of a socket or of its peer.
struct Place {
    sockaddr_storage address{};
    socklen_t size = sizeof(sockaddr_storage);

    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&address); }

    static Place of(const UniqueFd& fd, decltype(&getsockname) which) {
        Place place;
        (void)which(fd.get(), place.get(), &place.size);
        return place;
    }
    static Place v4(const char* text) {
        Place place;
        auto& in = reinterpret_cast<sockaddr_in&>(place.address);
        in.sin_family = AF_INET;
        (void)inet_pton(AF_INET, text, &in.sin_addr);
        place.size = sizeof in;
        return place;
    }
    static Place v6(const char* text) {
        Place place;
        auto& in = reinterpret_cast<sockaddr_in6&>(place.address);
        in.sin6_family = AF_INET6;
        (void)inet_pton(AF_INET6, text, &in.sin6_addr);
        place.size = sizeof in;
        return place;
    }
    void take_port_of(const Place& other) {
        // sin_port and sin6_port have the same offset.
        reinterpret_cast<sockaddr_in&>(address).sin_port = reinterpret_cast<const sockaddr_in&>(other.address).sin_port;
    }
    /// Formats "ADDRESS PORT" as sshd does (canohost.c in openssh).
    [[nodiscard]] std::string text() const {
        char host[NI_MAXHOST] = "";
        char port[NI_MAXSERV] = "";
        (void)getnameinfo(get(), size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
        return std::string(host) + " " + port;
    }
};

/// A connection to a listener that keeps listening. The descriptors are -1 if the host lacks such a network.
struct Tcp {
    UniqueFd listener;
    UniqueFd client;
    UniqueFd server;
    std::string said; ///< text that sshd would put into SSH_CONNECTION

    Tcp(const Place& listen_at, Place connect_to) : listener(stream(listen_at)) {
        if (bind(listener.get(), listen_at.get(), listen_at.size) == 0 && listen(listener.get(), 1) == 0) {
            connect_to.take_port_of(Place::of(listener, getsockname));
            connect(connect_to);
        }
    }
    explicit Tcp(const Place& at) : Tcp(at, at) {}

    static UniqueFd stream(const Place& at) {
        UniqueFd fd(socket(at.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const int no = 0;
        const timeval patience{.tv_sec = 10, .tv_usec = 0};
        (void)setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
        (void)setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        return fd;
    }
    /// Connects to `to`, after binding the client to `from` unless it is null.
    void connect(const Place& to, const Place* from = nullptr) {
        client = stream(to);
        const int yes = 1;
        (void)setsockopt(client.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        if (from != nullptr && bind(client.get(), from->get(), from->size) != 0) {
            return;
        }
        if (::connect(client.get(), to.get(), to.size) == 0) {
            server = UniqueFd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
            said = Place::of(server, getpeername).text() + " " + Place::of(server, getsockname).text();
        }
    }
    /// Sends `size` bytes. Returns true if all of them were sent and have arrived.
    static bool carry(const UniqueFd& from, const UniqueFd& to, std::size_t size) {
        std::vector<char> bytes(size, 'x');
        return send(from.get(), bytes.data(), size, MSG_NOSIGNAL) == static_cast<ssize_t>(size) &&
               recv(to.get(), bytes.data(), size, MSG_WAITALL) == static_cast<ssize_t>(size);
    }
    [[nodiscard]] std::optional<Traffic> traffic() const { return traffic_of(said); }
};

/// Waits up to 10 s for the condition, because the kernel sends acknowledgements with a delay. Returns false on
/// timeout.
template <class Condition>
bool comes_to(const Condition& holds) {
    for (const MonotonicTime until = monotonic_now() + 10s; monotonic_now() < until; std::this_thread::sleep_for(1ms)) {
        if (holds()) {
            return true;
        }
    }
    return false;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size()) {
        text.replace(at, from.size(), to);
    }
    return text;
}

void what_is_sent_is_counted(const Tcp& tcp) {
    EXPECT(static_cast<bool>(tcp.server), "connected");
    const auto first = tcp.traffic();
    EXPECT(first.has_value(), tcp.said);
    EXPECT(first->bytes_in == 0 && first->bytes_out == 0 && first->segments_in == 0 && first->segments_out == 0,
           "no traffic yet");

    EXPECT(Tcp::carry(tcp.client, tcp.server, 3000), "carried");
    const auto second = tcp.traffic();
    EXPECT(second.has_value(), tcp.said);
    EXPECT(second->bytes_in == 3000 && second->segments_in >= 1 && second->segments_in <= 3000, "in");
    EXPECT(second->bytes_out == 0 && second->segments_out == 0, "not counted as sent");
    EXPECT(second->cookie == first->cookie, "the same connection");

    EXPECT(Tcp::carry(tcp.server, tcp.client, 500), "carried");
    EXPECT(comes_to([&] { return tcp.traffic().value_or(Traffic{}).bytes_out == 500; }), "out");
    const auto third = tcp.traffic();
    EXPECT(third->segments_out >= 1 && third->segments_out <= 500 && third->segments_in == second->segments_in, "out");
    EXPECT(third->bytes_in == 3000, "not counted as received");
}

SESSLIMIT_TEST(ipv4_traffic_counted) {
    what_is_sent_is_counted(Tcp(Place::v4("127.0.0.1")));
}

bool lacks_ipv6() {
    const Tcp tcp(Place::v6("::1"));
    if (!tcp.server) {
        print_message("skipped: no IPv6 here: ::1 cannot be listened at\n");
    }
    return !tcp.server;
}

SESSLIMIT_TEST(ipv6_traffic_counted) {
    if (!lacks_ipv6()) {
        what_is_sent_is_counted(Tcp(Place::v6("::1")));
    }
}

/// An sshd that listens on both families receives IPv4 on an IPv6 socket, and reports the addresses as IPv4.
SESSLIMIT_TEST(ipv4_traffic_on_ipv6_socket_counted) {
    if (lacks_ipv6()) {
        return;
    }
    Tcp tcp(Place::v6("::"), Place::v4("127.0.0.1"));
    EXPECT(tcp.said.starts_with("::ffff:127.0.0.1 "), tcp.said);
    const auto mapped = tcp.traffic();
    EXPECT(mapped.has_value(), "in the form of getnameinfo(3)");
    tcp.said = replaced(tcp.said, "::ffff:", "");
    EXPECT(tcp.said.starts_with("127.0.0.1 "), tcp.said);
    EXPECT(tcp.traffic().value_or(Traffic{}).cookie == mapped->cookie, "the same connection");
    what_is_sent_is_counted(tcp);
}

std::optional<Place> link_local() {
    ifaddrs* all = nullptr;
    std::optional<Place> found;
    if (getifaddrs(&all) == 0) {
        for (const ifaddrs* one = all; one != nullptr && !found; one = one->ifa_next) {
            if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET6 || (one->ifa_flags & IFF_UP) == 0) {
                continue;
            }
            Place place;
            place.size = sizeof(sockaddr_in6);
            std::memcpy(&place.address, one->ifa_addr, place.size);
            if (IN6_IS_ADDR_LINKLOCAL(&reinterpret_cast<const sockaddr_in6&>(place.address).sin6_addr)) {
                found = place;
            }
        }
        freeifaddrs(all);
    }
    return found;
}

SESSLIMIT_TEST(link_local_address_matched_on_its_interface) {
    const auto place = link_local();
    if (!place) {
        print_message("skipped: no interface has a link-local address of IPv6\n");
        return;
    }
    const Tcp tcp(*place);
    EXPECT(tcp.said.find('%') != tcp.said.npos, tcp.said);
    what_is_sent_is_counted(tcp);
    char name[IF_NAMESIZE] = "";
    const auto index = reinterpret_cast<const sockaddr_in6&>(place->address).sin6_scope_id;
    const std::string own = std::string("%") + if_indextoname(index, name);
    const auto on = [&](const std::string& other) { return traffic_of(replaced(tcp.said, own, "%" + other)); };
    EXPECT(on(name).has_value(), name);
    EXPECT(on(std::to_string(index)).has_value(), "by number");
    EXPECT(!on("no-such-one").has_value(), "unknown interface");
    EXPECT(!on(std::to_string(index + 1000)).has_value(), "another interface");
}

SESSLIMIT_TEST(stale_messages_in_socket_ignored) {
    const Tcp tcp(Place::v4("127.0.0.1"));
    UniqueFd socket = inspect::SockDiag::socket_here();
    // The kernel acknowledges each message, and the replies stay in the socket unread.
    const nlmsghdr nothing{.nlmsg_len = sizeof nothing,
                           .nlmsg_type = NLMSG_NOOP,
                           .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
                           .nlmsg_seq = 1,
                           .nlmsg_pid = 0};
    for (int at = 0; at < 3; ++at) {
        EXPECT(send(socket.get(), &nothing, sizeof nothing, 0) == sizeof nothing, "sent");
    }
    char left = 0;
    EXPECT(recv(socket.get(), &left, 1, MSG_PEEK) > 0, "replies are pending");
    inspect::Connections connections(std::move(socket));
    EXPECT(connections.traffic_of(tcp.said).has_value(), "first");
    EXPECT(connections.traffic_of(tcp.said).has_value(), "second");
}

SESSLIMIT_TEST(data_age_is_that_of_latest_data_in_each_direction) {
    MonotonicTime last = monotonic_now();
    const Tcp tcp(Place::v4("127.0.0.1"));
    // The kernel's clock for data ages has steps of up to 10 ms (CONFIG_HZ).
    constexpr Duration step = 10ms;
    for (const bool comes_in : {true, false}) {
        const auto age = [&](const Traffic& traffic) { return comes_in ? traffic.since_in : traffic.since_out; };
        const auto other = [&](const Traffic& traffic) { return comes_in ? traffic.since_out : traffic.since_in; };
        std::optional<Traffic> quiet;
        EXPECT(comes_to([&] {
                   quiet = tcp.traffic();
                   return quiet && std::min(quiet->since_in, quiet->since_out) >= 4 * step;
               }),
               "quiet");
        EXPECT(age(*quiet) <= monotonic_now() - last + 2 * step, "not older than the connection");
        const MonotonicTime before = monotonic_now();
        EXPECT(comes_in ? Tcp::carry(tcp.client, tcp.server, 10) : Tcp::carry(tcp.server, tcp.client, 10), "carried");
        const auto busy = tcp.traffic();
        EXPECT(busy.has_value() && age(*busy) <= monotonic_now() - before + 2 * step, comes_in ? "in" : "out");
        EXPECT(other(*busy) >= other(*quiet), "the other direction is still quiet");
    }
}

template <class Part>
void append(std::vector<std::byte>& reply, const Part& part) {
    const auto bytes = std::as_bytes(std::span(&part, 1));
    reply.insert(reply.end(), bytes.begin(), bytes.end());
}

/// Returns a reply of the kernel about a connection between the ports 1 and 22 of 0.0.0.0.
std::vector<std::byte> reply_with(const tcp_info& info) {
    constexpr std::size_t size = sizeof(nlmsghdr) + sizeof(inet_diag_msg) + sizeof(nlattr) + sizeof(tcp_info);
    inet_diag_msg message{};
    message.idiag_family = AF_INET;
    message.id.idiag_sport = htons(22);
    message.id.idiag_dport = htons(1);
    std::vector<std::byte> reply;
    append(reply,
           nlmsghdr{
               .nlmsg_len = size, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = 0, .nlmsg_seq = 1, .nlmsg_pid = 0});
    append(reply, message);
    append(reply, nlattr{.nla_len = sizeof(nlattr) + sizeof(tcp_info), .nla_type = INET_DIAG_INFO});
    append(reply, info);
    return reply;
}

SESSLIMIT_TEST(time_without_acknowledgment_is_that_since_first_transmission) {
    struct Case {
        std::string_view about;
        std::uint32_t unacked, backoff, rto_us, sent_ms, ack_ms;
        Duration time;
    };
    constexpr Case cases[] = {
        {"all data acknowledged", 0, 8, 52'224'000, 19'000, 71'100, 0ms},
        {"not retransmitted yet", 1, 0, 204'000, 150, 5'000, 150ms},
        {"retransmitted eight times", 1, 8, 52'224'000, 19'000, 71'100, 71'020ms},
        {"an acknowledgment of other data in between", 5, 3, 1'632'000, 500, 300, 300ms},
        {"the timeout has reached its maximum", 1, 12, 120'000'000, 1'000, 900'000, 120'970'704us},
    };
    const inspect::Ends ends = inspect::parse_ssh_connection("0.0.0.0 1 0.0.0.0 22").value();
    for (const Case& one : cases) {
        tcp_info info{};
        info.tcpi_unacked = one.unacked;
        info.tcpi_backoff = static_cast<std::uint8_t>(one.backoff);
        info.tcpi_rto = one.rto_us;
        info.tcpi_last_data_sent = one.sent_ms;
        info.tcpi_last_ack_recv = one.ack_ms;
        const auto traffic = inspect::traffic_in(reply_with(info), ends, 1);
        EXPECT(traffic.has_value() && traffic->unacknowledged == one.time, std::string(one.about));
    }
}

/// The listener still exists. The kernel returns it in place of a closed connection.
SESSLIMIT_TEST(closed_connection_not_found) {
    for (const bool client_first : {true, false}) {
        Tcp tcp(Place::v4("127.0.0.1"));
        EXPECT(tcp.traffic().has_value(), "open");
        (client_first ? tcp.client : tcp.server).reset();
        (client_first ? tcp.server : tcp.client).reset();
        EXPECT(comes_to([&] { return !tcp.traffic(); }), client_first ? "the client first" : "the server first");
    }
}

SESSLIMIT_TEST(reused_endpoints_distinguished_by_cookie) {
    Tcp tcp(Place::v4("127.0.0.1"));
    const auto first = tcp.traffic();
    EXPECT(first.has_value(), tcp.said);
    const std::string said = tcp.said;
    const Place from = Place::of(tcp.client, getsockname);
    const Place to = Place::of(tcp.client, getpeername);
    // Reset, not closed, so that no TIME_WAIT state blocks the port.
    const linger none{.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(tcp.client.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
    tcp.client.reset();
    tcp.server.reset();
    tcp.connect(to, &from);
    EXPECT_TEXT(tcp.said, said);
    const auto second = tcp.traffic();
    EXPECT(second.has_value() && second->cookie != first->cookie, "another connection");
}

SESSLIMIT_TEST(other_connections_not_matched) {
    const Tcp tcp(Place::v4("127.0.0.1"));
    const auto ends = inspect::parse_ssh_connection(tcp.said).value();
    const std::string listener = " 127.0.0.1 " + std::to_string(ends.server_port);
    for (const std::string& client :
         {"127.0.0.2 " + std::to_string(ends.client_port), "127.0.0.1 " + std::to_string(ends.client_port ^ 1)}) {
        EXPECT(!traffic_of(client + listener).has_value(), client);
    }
}

SESSLIMIT_TEST(udp_socket_of_control_group_found) {
    const auto directory = test::own_group();
    if (!directory) {
        skip();
    }
    const ino_t group = test::id_of(*directory);
    inspect::Connections connections(inspect::SockDiag::socket_here());
    for (const int family : {AF_INET, AF_INET6}) {
        // The kernel lists only sockets that are bound to a port.
        const Place any = family == AF_INET ? Place::v4("127.0.0.1") : Place::v6("::1");
        const UniqueFd udp(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        EXPECT(::bind(udp.get(), any.get(), any.size) == 0, "bind");
        EXPECT(connections.has_udp_socket(group) == true, "in the group of this process");
        EXPECT(connections.has_udp_socket(ino_t{1} << 40U) == false, "not in another group");
    }
    EXPECT(!inspect::Connections(UniqueFd()).has_udp_socket(group).has_value(), "without a netlink socket");
}

} // namespace
