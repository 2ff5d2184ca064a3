// SPDX-License-Identifier: MIT
#include "common/process.hpp"
#include "daemon/listen_socket.hpp"
#include "daemon/pam_server/server.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/function_sink.hpp"
#include "tests/unit/support/loop_bench.hpp"

#include <sys/resource.h>
#include <sys/stat.h>

#include <array>
#include <optional>
#include <vector>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using Bytes = std::vector<std::byte>;

constexpr std::array<gid_t, 3> gids{100, 27, 100};

wire::OpenRequest request() {
    wire::OpenRequest open;
    open.user = "alice";
    open.uid = 1001;
    open.gids = wire::GidView(std::span<const gid_t>(gids));
    open.service = "sshd";
    open.tty = "ssh";
    open.rhost = "192.0.2.7";
    open.connection = "192.0.2.7 40000 192.0.2.1 22";
    open.budget_ms = 2000;
    return open;
}

template <class Frame>
Bytes bytes_of(const Frame& frame) {
    Bytes bytes(wire::max_frame);
    bytes.resize(wire::encode(frame, bytes).value());
    return bytes;
}

/// A server with its own socket, and the events and errors that it reported.
struct Bench {
    TemporaryDirectory directory;
    EventLoop loop = make_loop();
    std::vector<core::Event> events;
    std::vector<core::Event> nested;
    std::vector<Error> failures;
    FunctionSink sink{[this](core::Event event) { events.push_back(std::move(event)); }};
    FunctionSink nested_sink{[this](core::Event event) { nested.push_back(std::move(event)); }};
    std::optional<pam_server::Server> server;

    Bench() {
        auto listener = listen_at(path().c_str());
        auto made = pam_server::Server::make(loop.get(), std::move(listener).value(),
                                             [this](const Error& error) { failures.push_back(error); });
        server = std::move(made).value();
        server->start({.events = sink, .nested = nested_sink});
    }
    [[nodiscard]] std::filesystem::path path() const { return directory.path / "socket"; }

    [[nodiscard]] UniqueFd connect() const { return connect_to(path()); }
    UniqueFd ask(const Bytes& bytes) const {
        UniqueFd fd = connect();
        (void)send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        return fd;
    }
    bool hears(std::size_t count) {
        return run_until(loop, [&] { return events.size() >= count; });
    }
};

/// Receives the reply on a connection. Returns its outcome, session and text, or "closed" if the server closed the
/// connection without a reply.
std::string answer_on(const UniqueFd& fd) {
    Bytes bytes(wire::max_frame);
    const ssize_t size = recv(fd.get(), bytes.data(), bytes.size(), 0);
    if (size <= 0) {
        return size == 0 ? "closed" : "nothing";
    }
    const auto verdict = wire::decode_verdict(std::span(bytes).first(static_cast<std::size_t>(size)));
    if (!verdict) {
        return "not a verdict";
    }
    return std::to_string(static_cast<int>(verdict->outcome)) + " " + std::to_string(verdict->session) + " " +
           std::string(verdict->text);
}

SESSLIMIT_TEST(socket_accessible_to_root_only) {
    const Bench bench;
    struct stat at{};
    EXPECT(stat(bench.path().c_str(), &at) == 0 && (at.st_mode & 07777) == 0600, "mode");
    EXPECT(listen_at(bench.path().c_str()).has_value(), "replaces an old socket");
    EXPECT(!listen_at("").has_value(), "no path");
    EXPECT(!listen_at(std::string(200, 'x').c_str()).has_value(), "a long path");
}

SESSLIMIT_TEST(open_request_becomes_event_and_gets_answer) {
    Bench bench;
    const UniqueFd asker = bench.ask(bytes_of(request()));
    EXPECT(bench.hears(1), "an event");
    const auto& opened = std::get<core::OpenRequested>(bench.events.at(0));
    EXPECT_TEXT(opened.login.user, "alice");
    EXPECT_TEXT(opened.login.rhost, "192.0.2.7");
    EXPECT(opened.login.uid == 1001 && (opened.login.gids == std::vector<gid_t>{27, 100}), "sorted groups");
    EXPECT(opened.budget == std::chrono::seconds(2) && !opened.login.nested, "other fields");
    EXPECT(opened.leader.pid == getpid() && opened.leader == identify(getpid()), "leader as reported by the kernel");

    bench.server->answer(opened.request, {wire::Outcome::denied, 0, "no\nplace"});
    EXPECT_TEXT(answer_on(asker), "3 0 no\nplace");
    EXPECT_TEXT(answer_on(asker), "closed");
    bench.server->answer(opened.request, {wire::Outcome::admitted, 1, {}}); // too late, ignored
    run_ready(bench.loop);
    EXPECT(bench.events.size() == 1 && bench.failures.empty(), "one request, one answer");
}

SESSLIMIT_TEST(every_outcome_sent) {
    struct Case {
        wire::Verdict verdict;
        std::string_view answer;
    };
    const std::string too_long(wire::max_text + 1, 'x');
    const Case cases[] = {
        {{wire::Outcome::admitted, 77, {}}, "1 77 "},   {{wire::Outcome::uncounted, 0, {}}, "2 0 "},
        {{wire::Outcome::denied, 0, "why"}, "3 0 why"}, {{wire::Outcome::noted, 0, {}}, "5 0 "},
        {{wire::Outcome::denied, 0, too_long}, "3 0 "}, // still denied
    };
    for (const Case& one : cases) {
        Bench bench;
        const UniqueFd asker = bench.ask(bytes_of(request()));
        EXPECT(bench.hears(1), "an event");
        bench.server->answer(std::get<core::OpenRequested>(bench.events.at(0)).request, one.verdict);
        EXPECT_TEXT(answer_on(asker), one.answer);
    }
}

SESSLIMIT_TEST(waiting_client_gets_wait_frame) {
    Bench bench;
    const UniqueFd asker = bench.ask(bytes_of(request()));
    EXPECT(bench.hears(1), "an event");
    const RequestId id = std::get<core::OpenRequested>(bench.events.at(0)).request;
    bench.server->ask_to_wait(id, std::chrono::milliseconds(5500));
    Bytes bytes(wire::max_frame);
    const ssize_t size = recv(asker.get(), bytes.data(), bytes.size(), 0);
    const auto wait = wire::decode_wait(std::span(bytes).first(static_cast<std::size_t>(std::max<ssize_t>(size, 0))));
    EXPECT(wait.has_value() && wait->more_ms == 5500, "a wait frame");
    bench.server->answer(id, {wire::Outcome::admitted, 7, {}});
    EXPECT_TEXT(answer_on(asker), "1 7 ");
    bench.server->ask_to_wait(id, std::chrono::seconds(1)); // too late, ignored
    EXPECT(bench.failures.empty(), "no errors");
}

SESSLIMIT_TEST(close_request_becomes_event) {
    Bench bench;
    const UniqueFd asker = bench.ask(bytes_of(wire::CloseRequest{.session = 99}));
    EXPECT(bench.hears(1), "an event");
    const auto& closed = std::get<core::CloseRequested>(bench.events.at(0));
    EXPECT(closed.session == SessionKey{99} && closed.leader.pid == getpid(), "session and leader");
    bench.server->answer(closed.request, {wire::Outcome::noted, 0, {}});
    EXPECT_TEXT(answer_on(asker), "5 0 ");
}

SESSLIMIT_TEST(invalid_requests_answered_as_failed_and_dropped) {
    Bytes version = bytes_of(request());
    version[4] = std::byte{9};
    Bytes magic = bytes_of(request());
    magic[0] = std::byte{'X'};
    Bytes cut = bytes_of(request());
    cut.pop_back();
    Bytes longer = bytes_of(request());
    longer.push_back({});
    Bytes huge(wire::max_frame + 1);
    std::copy_n(version.begin(), 12, huge.begin());
    const struct {
        std::string_view about;
        Bytes bytes;
    } cases[] = {
        {"one byte", Bytes(1)},
        {"zeros", Bytes(64)},
        {"another version", version},
        {"another magic", magic},
        {"cut", cut},
        {"longer than its stated length", longer},
        {"longer than the maximum", huge},
        {"a verdict", bytes_of(wire::Verdict{wire::Outcome::admitted, 1, {}})},
    };
    for (const auto& one : cases) {
        Bench bench;
        const UniqueFd asker = bench.ask(one.bytes);
        EXPECT(run_until(bench.loop, [&] { return !bench.failures.empty(); }), one.about);
        EXPECT_TEXT(answer_on(asker), "4 0 ");
        EXPECT(bench.events.empty() && bench.failures.size() == 1, one.about);
        EXPECT(bench.failures.at(0).what.find(std::to_string(getpid())) != std::string::npos,
               bench.failures.at(0).what);
    }
}

SESSLIMIT_TEST(hang_up_reported_only_for_pending_request) {
    Bench bench;
    UniqueFd asker = bench.ask(bytes_of(request()));
    EXPECT(bench.hears(1), "asked");
    const RequestId id = std::get<core::OpenRequested>(bench.events.at(0)).request;
    asker.reset();
    EXPECT(bench.hears(2), "gone");
    EXPECT(std::get<core::RequestAborted>(bench.events.at(1)).request == id, "request ID");
    bench.server->answer(id, {wire::Outcome::admitted, 1, {}});

    UniqueFd silent = bench.connect();
    run_ready(bench.loop);
    silent.reset();
    UniqueFd other = bench.ask(bytes_of(request()));
    EXPECT(bench.hears(3), "the silent client is not reported");
    EXPECT(std::holds_alternative<core::OpenRequested>(bench.events.at(2)) && bench.failures.empty(),
           "only the other client");
}

SESSLIMIT_TEST(extra_data_treated_as_hang_up) {
    Bench bench;
    const UniqueFd asker = bench.ask(bytes_of(request()));
    EXPECT(bench.hears(1), "asked");
    (void)send(asker.get(), "x", 1, MSG_NOSIGNAL);
    EXPECT(bench.hears(2) && std::holds_alternative<core::RequestAborted>(bench.events.at(1)), "gone");
}

SESSLIMIT_TEST(slow_client_served) {
    Bench bench;
    const UniqueFd asker = bench.connect();
    run_ready(bench.loop); // accepted, but silent
    const Bytes bytes = bytes_of(request());
    (void)send(asker.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    EXPECT(bench.hears(1), "request received");
}

SESSLIMIT_TEST(silent_client_disconnected_after_timeout) {
    Bench bench;
    const MonotonicTime before = monotonic_now();
    const UniqueFd silent = bench.connect();
    std::byte byte{};
    EXPECT(run_until(bench.loop, [&] { return recv(silent.get(), &byte, 1, MSG_DONTWAIT) == 0; }), "hung up");
    const Duration took = monotonic_now() - before;
    EXPECT(took >= pam_server::request_timeout && took < std::chrono::seconds(20), std::to_string(took.count()));
    EXPECT(bench.events.empty(), "not reported");
}

SESSLIMIT_TEST(many_silent_clients_do_not_block_requests) {
    const rlimit many{.rlim_cur = 4096, .rlim_max = 4096};
    (void)setrlimit(RLIMIT_NOFILE, &many);
    Bench bench;
    std::vector<UniqueFd> silent;
    for (std::size_t at = 0; at < pam_server::max_connections + 100; ++at) {
        silent.push_back(bench.connect());
        run_ready(bench.loop);
    }
    const UniqueFd asker = bench.ask(bytes_of(request()));
    EXPECT(bench.hears(1), "request received");
    bench.server->answer(std::get<core::OpenRequested>(bench.events.at(0)).request, {wire::Outcome::uncounted, 0, {}});
    EXPECT_TEXT(answer_on(asker), "2 0 ");
    std::byte byte{};
    EXPECT(recv(silent.front().get(), &byte, 1, MSG_DONTWAIT) == 0, "the oldest client was disconnected");
}

SESSLIMIT_TEST(waiting_clients_beyond_limit_answered_as_failed) {
    Bench bench;
    std::vector<UniqueFd> waiting;
    const Bytes bytes = bytes_of(request());
    for (std::size_t at = 0; at < pam_server::max_connections; ++at) {
        waiting.push_back(bench.ask(bytes));
        run_ready(bench.loop);
    }
    EXPECT(bench.events.size() == pam_server::max_connections, std::to_string(bench.events.size()));
    const UniqueFd late = bench.ask(bytes);
    run_ready(bench.loop);
    EXPECT_TEXT(answer_on(late), "4 0 ");
    bench.server->answer(std::get<core::OpenRequested>(bench.events.at(0)).request, {wire::Outcome::uncounted, 0, {}});
    const UniqueFd next = bench.ask(bytes);
    EXPECT(bench.hears(pam_server::max_connections + 1), "room is available again");
}

SESSLIMIT_TEST(descriptor_exhaustion_delays_requests) {
    Bench bench;
    const Bytes bytes = bytes_of(request());
    std::vector<UniqueFd> askers;
    for (int at = 0; at < 3; ++at) {
        askers.push_back(bench.ask(bytes));
    }
    rlimit before{};
    (void)getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{.rlim_cur = static_cast<rlim_t>(askers.back().get()) + 1, .rlim_max = before.rlim_max};
    (void)setrlimit(RLIMIT_NOFILE, &none);
    const bool failed = run_until(bench.loop, [&] { return !bench.failures.empty(); });
    (void)setrlimit(RLIMIT_NOFILE, &before);
    EXPECT(failed && bench.failures.size() == 1, "reported once");
    EXPECT(bench.hears(3), "all requests are received afterwards");
}

/// The server keeps the pidfd of a caller until the leader is tracked, also while other callers send requests.
SESSLIMIT_TEST(pidfd_of_pending_caller_returned_once) {
    Bench bench;
    const UniqueFd asker = bench.ask(bytes_of(request()));
    EXPECT(bench.hears(1), "an event");
    const auto opened = std::get<core::OpenRequested>(bench.events.at(0));
    const Child other;
    EXPECT(!bench.server->take_pidfd(identify(other.pid()).value()), "not a caller");
    const UniqueFd pidfd = bench.server->take_pidfd(opened.leader);
    EXPECT(pidfd && is_leader(pidfd.get(), opened.leader).value(), "the caller's pidfd");
    EXPECT(!bench.server->take_pidfd(opened.leader), "returned once");

    const UniqueFd answered = bench.ask(bytes_of(request()));
    EXPECT(bench.hears(2), "another event");
    bench.server->answer(std::get<core::OpenRequested>(bench.events.at(1)).request, {});
    EXPECT(!bench.server->take_pidfd(opened.leader), "closed with the connection");
}

/// The requests of logins inside a session go to a receiver of their own, and so do their aborts.
SESSLIMIT_TEST(nested_login_has_its_own_receiver) {
    Bench bench;
    wire::OpenRequest inside = request();
    inside.nested = true;
    UniqueFd asker = bench.ask(bytes_of(inside));
    EXPECT(run_until(bench.loop, [&] { return bench.nested.size() == 1; }), "the request");
    asker.reset();
    EXPECT(run_until(bench.loop, [&] { return bench.nested.size() == 2; }), "its abort");
    EXPECT(std::get<core::RequestAborted>(bench.nested.at(1)).request ==
                   std::get<core::OpenRequested>(bench.nested.at(0)).request &&
               bench.events.empty(),
           "both there, and none elsewhere");
}

SESSLIMIT_TEST(case_B07_ssh_connection_without_ip_has_origin_unix) {
    struct Case {
        const char* rhost;
        const char* connection;
        const char* origin;
    };
    constexpr Case cases[] = {
        {"192.0.2.7", "192.0.2.7 40000 192.0.2.1 22", "192.0.2.7"},
        {"gate.example.org", "192.0.2.7 40000 192.0.2.1 22", "gate.example.org"},
        {"", "fe80::1%eth0 40000 fe80::2%eth0 22", ""},
        {"", "UNKNOWN 65535 UNKNOWN 65535", "unix"},
        {"UNKNOWN", "UNKNOWN 65535 UNKNOWN 65535", "unix"},
        {"", " 65535  65535", "unix"},
        {"192.0.2.7", "192.0.2.7 0 /run/sshd.sock 0", "unix"},
        {"gate.example.org", "", "gate.example.org"},
        {"", "", ""},
    };
    for (const Case& one : cases) {
        Bench bench;
        wire::OpenRequest open = request();
        open.rhost = one.rhost;
        open.connection = one.connection;
        const UniqueFd client = bench.ask(bytes_of(open));
        EXPECT(bench.hears(1), "an event");
        EXPECT_TEXT(std::get<core::OpenRequested>(bench.events.at(0)).login.rhost, one.origin);
    }
}

SESSLIMIT_TEST(requests_not_accepted_before_start) {
    TemporaryDirectory directory;
    const EventLoop loop = make_loop();
    int events = 0;
    const std::string path = directory.path / "socket";
    FunctionSink sink([&](const core::Event&) { ++events; });
    auto server = pam_server::Server::make(loop.get(), listen_at(path.c_str()).value(), [](const Error&) {});
    const UniqueFd asker = connect_to(path);
    const Bytes bytes = bytes_of(request());
    (void)send(asker.get(), bytes.data(), bytes.size(), 0);
    run_ready(loop);
    EXPECT(events == 0, "not accepted yet");
    server->start({.events = sink, .nested = sink});
    EXPECT(run_until(loop, [&] { return events == 1; }), "accepted after start");
}

} // namespace

int main() {
    return sesslimit::test::run_all_as_root("the server accepts only root");
}
