// SPDX-License-Identifier: MIT
#include "daemon/monitor/socket_list_reader.hpp"

#include "daemon/inspect/tcp_activity.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/control_group.hpp"
#include "tests/unit/support/loop_bench.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <optional>
#include <thread>
#include <vector>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace std::chrono_literals;
using inspect::Traffic;
using monitor::GroupSockets;
using monitor::SocketListReader;
using Coverage = GroupSockets::Coverage;

/// TCP connection over the loopback interface. The descriptors are empty if it cannot be established.
struct Tcp {
    UniqueFd client;
    UniqueFd server;

    void send(std::size_t size) const {
        const std::vector<char> bytes(size, 'x');
        std::vector<char> received(size);
        (void)::send(client.get(), bytes.data(), size, MSG_NOSIGNAL);
        (void)::recv(server.get(), received.data(), size, MSG_WAITALL);
    }
};

class Listener {
  public:
    explicit Listener(sa_family_t family) : family_(family), fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        in6_.sin6_family = family;
        if (family == AF_INET) {
            reinterpret_cast<sockaddr_in&>(in6_).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        } else {
            in6_.sin6_addr = in6addr_loopback;
        }
        socklen_t size = length();
        ok_ = bind(fd_.get(), address(), size) == 0 && listen(fd_.get(), 100) == 0 &&
              getsockname(fd_.get(), address(), &size) == 0;
    }
    [[nodiscard]] bool works() const { return ok_; }
    [[nodiscard]] UniqueFd connect() {
        UniqueFd client(::socket(family_, SOCK_STREAM | SOCK_CLOEXEC, 0));
        (void)::connect(client.get(), address(), length());
        return client;
    }
    [[nodiscard]] UniqueFd accept() const { return UniqueFd(accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }
    [[nodiscard]] Tcp connection() {
        Tcp tcp{.client = connect(), .server = {}};
        tcp.server = accept();
        return tcp;
    }
    /// Returns the text that sshd would put into SSH_CONNECTION for an IPv4 connection to this listener.
    [[nodiscard]] std::string said(const UniqueFd& client) {
        sockaddr_in from{};
        socklen_t size = sizeof from;
        (void)getsockname(client.get(), reinterpret_cast<sockaddr*>(&from), &size);
        return "127.0.0.1 " + std::to_string(ntohs(from.sin_port)) + " 127.0.0.1 " +
               std::to_string(ntohs(in6_.sin6_port));
    }

  private:
    sockaddr* address() { return reinterpret_cast<sockaddr*>(&in6_); }
    [[nodiscard]] socklen_t length() const { return family_ == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6); }

    sa_family_t family_;
    UniqueFd fd_;
    sockaddr_in6 in6_{};
    bool ok_ = false;
};

std::uint64_t cookie_of(const UniqueFd& socket) {
    std::uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    (void)getsockopt(socket.get(), SOL_SOCKET, SO_COOKIE, &cookie, &size);
    return cookie;
}

/// Returns the traffic of the socket. Returns nothing if `found` does not contain it.
std::optional<Traffic> traffic_of(const UniqueFd& socket, const GroupSockets& found) {
    const auto one = std::ranges::find(found.sockets, cookie_of(socket), &Traffic::cookie);
    return one != found.sockets.end() ? std::optional(*one) : std::nullopt;
}

struct World {
    EventLoop loop = make_loop();
    inspect::Connections connections;
    SocketListReader reader;

    explicit World(UniqueFd socket = inspect::SockDiag::socket_here(),
                   std::size_t most = SocketListReader::default_max_sockets)
        : connections(std::move(socket)), reader(loop.get(), connections.sock_diag(), most) {}

    GroupSockets sockets_of(ino_t group) {
        std::optional<GroupSockets> found;
        (void)reader.request(group, [&](const GroupSockets& sockets) { found = sockets; });
        (void)run_until(loop, [&] { return found.has_value(); });
        return found.value();
    }
};

std::optional<ino_t> group_of_test() {
    const auto group = own_group();
    if (!group) {
        print_message("skipped: control groups of version 2 are not mounted\n");
    }
    return group ? std::optional(id_of(*group)) : std::nullopt;
}

SESSLIMIT_TEST(traffic_of_sockets_in_group_found) {
    const auto group = group_of_test();
    if (!group) {
        return;
    }
    for (const sa_family_t family : {sa_family_t{AF_INET}, sa_family_t{AF_INET6}}) {
        Listener listener(family);
        if (!listener.works()) {
            print_message("skipped: no address of this family\n");
            continue;
        }
        World world;
        const Tcp tcp = listener.connection();
        const MonotonicTime before = monotonic_now();
        tcp.send(3000);
        std::this_thread::sleep_for(100ms);
        const GroupSockets found = world.sockets_of(*group);
        const Duration age = monotonic_now() - before;
        const auto server = traffic_of(tcp.server, found);
        const auto client = traffic_of(tcp.client, found);
        EXPECT(found.coverage == Coverage::complete && server.has_value() && client.has_value(), "both sockets");
        EXPECT(server->bytes_in == 3000 && server->bytes_out == 0 && server->segments_in > 0, "of the server");
        EXPECT(client->bytes_in == 0 && client->bytes_out == 3000 && client->segments_out > 0, "of the client");
        // The kernel's clock has steps of up to 10 ms.
        EXPECT(server->since_in >= 80ms && server->since_in <= age + 20ms, std::to_string(server->since_in.count()));
        EXPECT(client->since_out >= 80ms && client->since_out <= age + 20ms, std::to_string(client->since_out.count()));
        EXPECT(world.sockets_of(ino_t{1} << 40U).sockets.empty(), "not in another group");
    }
}

SESSLIMIT_TEST(data_age_is_relative_to_answer) {
    const auto group = group_of_test();
    if (!group) {
        return;
    }
    World world;
    Listener listener(AF_INET);
    const Tcp tcp = listener.connection();
    const MonotonicTime sent = monotonic_now();
    tcp.send(10);
    std::optional<Traffic> traffic;
    Duration age{};
    (void)world.reader.request(*group, [&](const GroupSockets& found) {
        traffic = traffic_of(tcp.server, found);
        age = monotonic_now() - sent;
    });
    while (age == Duration{} && monotonic_now() < sent + 60s) {
        (void)sd_event_run(world.loop.get(), 1'000'000);
        std::this_thread::sleep_for(1s); // the event loop is busy between the turns of the reader
    }
    EXPECT(traffic.has_value() && age > 1s, "found");
    EXPECT(traffic->since_in >= age - 800ms && traffic->since_in <= age + 20ms,
           std::to_string(traffic->since_in.count()) + " instead of " + std::to_string(age.count()));
}

/// An accepted connection belongs to the group of its listener, and a connection to the group in which it was created.
SESSLIMIT_TEST(group_is_that_of_creation_without_child_groups) {
    const auto own = own_group();
    const TemporaryGroup outer(own.value_or(""));
    const TemporaryGroup inner(outer.path());
    if (!own || inner.path().empty() || !enter(outer.path())) {
        print_message("skipped: cannot create control groups\n");
        return;
    }
    Listener listener(AF_INET);
    const bool entered = enter(inner.path());
    const Tcp tcp = listener.connection();
    const bool left = enter(*own);
    World world;
    const GroupSockets of_outer = world.sockets_of(id_of(outer.path()));
    const GroupSockets of_inner = world.sockets_of(id_of(inner.path()));
    EXPECT(entered && left, "groups");
    EXPECT(of_outer.sockets.size() == 1 && traffic_of(tcp.server, of_outer).has_value(), "the accepted connection");
    EXPECT(of_inner.sockets.size() == 1 && traffic_of(tcp.client, of_inner).has_value(),
           "the connection of the child group");
}

SESSLIMIT_TEST(request_during_list_answered_from_next_list) {
    const auto group = group_of_test();
    if (!group) {
        return;
    }
    World world;
    Listener listener(AF_INET);
    const Tcp tcp = listener.connection();
    std::vector<std::string> calls;
    std::optional<Tcp> later;
    const auto receiver = [&](const std::string& name) {
        return [&calls, &later, name](const GroupSockets& found) {
            calls.push_back(name + (traffic_of(later->client, found) ? "+" : "-"));
        };
    };
    (void)world.reader.request(*group, receiver("a"));
    (void)world.reader.request(*group, [&, first = receiver("b")](const GroupSockets& found) {
        first(found);
        (void)world.reader.request(*group, receiver("d"));
    });
    (void)sd_event_run(world.loop.get(), 0); // requests the list
    later = listener.connection();
    (void)world.reader.request(*group, receiver("c"));
    EXPECT(calls.empty(), "not called within request()");
    EXPECT(run_until(world.loop, [&] { return calls.size() == 4; }), "all");
    EXPECT(calls[0].starts_with('a') && calls[1].starts_with('b'), "the first list");
    EXPECT(calls[2] == "c+" && calls[3] == "d+", "the second list");
}

/// Creates connections, so that the list has more parts than a turn of the event loop reads.
std::vector<Tcp> many_connections(Listener& listener, std::size_t count) {
    rlimit files{};
    (void)getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    std::vector<Tcp> all;
    for (std::size_t at = 0; at < count; ++at) {
        all.push_back(listener.connection());
    }
    return all;
}

SESSLIMIT_TEST(list_and_other_requests_share_socket) {
    const auto group = group_of_test();
    if (!group) {
        return;
    }
    Listener listener(AF_INET);
    const std::vector<Tcp> all = many_connections(listener, 2000);
    World world;
    std::optional<GroupSockets> found;
    (void)world.reader.request(*group, [&](const GroupSockets& sockets) { found = sockets; });
    int turns = 0;
    int answered = 0;
    while (!found && turns < 1000) {
        (void)sd_event_run(world.loop.get(), 1'000'000);
        ++turns;
        answered += world.connections.traffic_of(listener.said(all.back().client)) ? 1 : 0;
    }
    EXPECT(turns > 3 && answered == turns, std::to_string(answered) + " of " + std::to_string(turns));
    EXPECT(found.has_value() && found->coverage == Coverage::complete, "no part is lost");
    EXPECT(found->sockets.size() >= 2 * all.size(), std::to_string(found->sockets.size()));
}

SESSLIMIT_TEST(list_is_incomplete_if_too_long) {
    const auto group = group_of_test();
    if (!group) {
        return;
    }
    Listener listener(AF_INET);
    std::vector<Tcp> all = many_connections(listener, 2000);
    World world(inspect::SockDiag::socket_here(), 1000);
    for (int at = 0; at < 3; ++at) {
        const GroupSockets found = world.sockets_of(*group);
        EXPECT(found.coverage == Coverage::incomplete, "more than 1000");
        EXPECT(found.sockets.size() > 500 && found.sockets.size() < 2000, std::to_string(found.sockets.size()));
        EXPECT(world.connections.traffic_of(listener.said(all.back().client)).has_value(),
               "other requests are answered");
    }
    all.clear();
    EXPECT(run_until(world.loop, [&] { return world.sockets_of(*group).coverage == Coverage::complete; }),
           "the rest of the long list is discarded");
}

/// systemd keeps the socket while the daemon restarts.
SESSLIMIT_TEST(unfinished_list_of_earlier_daemon_discarded) {
    const auto group = group_of_test();
    if (!group) {
        return;
    }
    Listener listener(AF_INET);
    const std::vector<Tcp> all = many_connections(listener, 1000);
    UniqueFd socket = inspect::SockDiag::socket_here();
    auto request = inspect::socket_list_request();
    request.header.nlmsg_len = sizeof request;
    EXPECT(::send(socket.get(), &request, sizeof request, 0) == sizeof request, "list of the earlier daemon");
    World world(std::move(socket));
    const GroupSockets found = world.sockets_of(*group);
    EXPECT(found.coverage == Coverage::complete && found.sockets.size() >= 2 * all.size(), "complete");
}

SESSLIMIT_TEST(unavailable_without_socket) {
    World world{UniqueFd()};
    EXPECT(world.sockets_of(1).coverage == Coverage::unavailable, "no sock_diag socket");
}

SESSLIMIT_TEST(receivers_discarded_with_reader) {
    const EventLoop loop = make_loop();
    inspect::SockDiag socket(inspect::SockDiag::socket_here());
    int calls = 0;
    {
        SocketListReader reader(loop.get(), socket);
        (void)reader.request(1, [&](const GroupSockets&) { ++calls; });
        (void)sd_event_run(loop.get(), 0);
    }
    run_ready(loop);
    EXPECT(calls == 0, "not called");
}

} // namespace
