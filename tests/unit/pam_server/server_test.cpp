// SPDX-License-Identifier: MIT
#include "common/pidfd.hpp"
#include "daemon/pam_server/server.hpp"
#include "tests/unit/support/cmocka.hpp"
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

/// A server at a socket of its own, and what it has said.
struct Bench {
    TemporaryDirectory directory;
    EventLoop loop = make_loop();
    std::vector<core::Event> events;
    std::vector<Error> failures;
    std::optional<pam_server::Server> server;

    Bench() {
        auto listener = pam_server::listen_at(path().c_str());
        auto made =
            pam_server::Server::make(loop.get(), std::move(listener).value(),
                                     {.event = [this](core::Event event) { events.push_back(std::move(event)); },
                                      .failed = [this](Error error) { failures.push_back(std::move(error)); }});
        server = std::move(made).value();
        server->start();
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

/// The answer on a connection: its outcome and text; "closed" where the server hung up without one.
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

void the_socket_is_roots_alone() {
    const Bench bench;
    struct stat at{};
    EXPECT(stat(bench.path().c_str(), &at) == 0 && (at.st_mode & 07777) == 0600, "mode");
    EXPECT(pam_server::listen_at(bench.path().c_str()).has_value(), "in place of an old one");
    EXPECT(!pam_server::listen_at("").has_value(), "no path");
    EXPECT(!pam_server::listen_at(std::string(200, 'x').c_str()).has_value(), "a long path");
}

void a_request_becomes_an_event_and_gets_its_answer() {
    Bench bench;
    const UniqueFd asker = bench.ask(bytes_of(request()));
    EXPECT(bench.hears(1), "an event");
    const auto& opened = std::get<core::OpenRequested>(bench.events.at(0));
    EXPECT_TEXT(opened.login.user, "alice");
    EXPECT_TEXT(opened.login.rhost, "192.0.2.7");
    EXPECT(opened.login.uid == 1001 && (opened.login.gids == std::vector<gid_t>{27, 100}), "sorted groups");
    EXPECT(opened.budget == std::chrono::seconds(2) && !opened.login.nested, "the rest");
    EXPECT(opened.leader.pid == getpid() && opened.leader == identify(getpid()), "the kernel's word");

    bench.server->answer(opened.request, {wire::Outcome::denied, 0, "no\nplace"});
    EXPECT_TEXT(answer_on(asker), "3 0 no\nplace");
    EXPECT_TEXT(answer_on(asker), "closed");
    bench.server->answer(opened.request, {wire::Outcome::admitted, 1, {}}); // too late, and nobody's business
    run_ready(bench.loop);
    EXPECT(bench.events.size() == 1 && bench.failures.empty(), "one question, one answer");
}

void every_outcome_is_sent() {
    struct Case {
        wire::Verdict verdict;
        std::string_view answer;
    };
    const std::string too_long(wire::max_text + 1, 'x');
    const Case cases[] = {
        {{wire::Outcome::admitted, 77, {}}, "1 77 "},   {{wire::Outcome::uncounted, 0, {}}, "2 0 "},
        {{wire::Outcome::denied, 0, "why"}, "3 0 why"}, {{wire::Outcome::noted, 0, {}}, "5 0 "},
        {{wire::Outcome::denied, 0, too_long}, "3 0 "}, // denied all the same
    };
    for (const Case& one : cases) {
        Bench bench;
        const UniqueFd asker = bench.ask(bytes_of(request()));
        EXPECT(bench.hears(1), "an event");
        bench.server->answer(std::get<core::OpenRequested>(bench.events.at(0)).request, one.verdict);
        EXPECT_TEXT(answer_on(asker), one.answer);
    }
}

void who_must_wait_is_told_how_long() {
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
    bench.server->ask_to_wait(id, std::chrono::seconds(1)); // too late, and nobody's business
    EXPECT(bench.failures.empty(), "fine");
}

void a_close_becomes_an_event() {
    Bench bench;
    const UniqueFd asker = bench.ask(bytes_of(wire::CloseRequest{.session = 99}));
    EXPECT(bench.hears(1), "an event");
    const auto& closed = std::get<core::CloseRequested>(bench.events.at(0));
    EXPECT(closed.session == SessionKey{99} && closed.leader.pid == getpid(), "which");
    bench.server->answer(closed.request, {wire::Outcome::noted, 0, {}});
    EXPECT_TEXT(answer_on(asker), "5 0 ");
}

void broken_requests_are_failed_and_go_no_further() {
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
        {"longer than it says", longer},
        {"over-long", huge},
        {"an answer", bytes_of(wire::Verdict{wire::Outcome::admitted, 1, {}})},
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

void a_hang_up_is_told_of_where_an_answer_was_due() {
    Bench bench;
    UniqueFd asker = bench.ask(bytes_of(request()));
    EXPECT(bench.hears(1), "asked");
    const RequestId id = std::get<core::OpenRequested>(bench.events.at(0)).request;
    asker.reset();
    EXPECT(bench.hears(2), "gone");
    EXPECT(std::get<core::RequestAborted>(bench.events.at(1)).request == id, "which");
    bench.server->answer(id, {wire::Outcome::admitted, 1, {}});

    UniqueFd silent = bench.connect();
    run_ready(bench.loop);
    silent.reset();
    UniqueFd other = bench.ask(bytes_of(request()));
    EXPECT(bench.hears(3), "the silent one is not told of");
    EXPECT(std::holds_alternative<core::OpenRequested>(bench.events.at(2)) && bench.failures.empty(), "only the other");
}

void whoever_talks_on_has_hung_up() {
    Bench bench;
    const UniqueFd asker = bench.ask(bytes_of(request()));
    EXPECT(bench.hears(1), "asked");
    (void)send(asker.get(), "x", 1, MSG_NOSIGNAL);
    EXPECT(bench.hears(2) && std::holds_alternative<core::RequestAborted>(bench.events.at(1)), "gone");
}

void a_slow_asker_is_heard() {
    Bench bench;
    const UniqueFd asker = bench.connect();
    run_ready(bench.loop); // accepted, and silent
    const Bytes bytes = bytes_of(request());
    (void)send(asker.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    EXPECT(bench.hears(1), "heard");
}

void a_silent_one_is_not_waited_for() {
    Bench bench;
    const Duration before = monotonic_now();
    const UniqueFd silent = bench.connect();
    std::byte byte{};
    EXPECT(run_until(bench.loop, [&] { return recv(silent.get(), &byte, 1, MSG_DONTWAIT) == 0; }), "hung up");
    const Duration took = monotonic_now() - before;
    EXPECT(took >= pam_server::request_timeout && took < std::chrono::seconds(5), std::to_string(took.count()));
    EXPECT(bench.events.empty(), "and not told of");
}

void a_flood_of_silent_ones_keeps_nobody_out() {
    const rlimit many{.rlim_cur = 4096, .rlim_max = 4096};
    (void)setrlimit(RLIMIT_NOFILE, &many);
    Bench bench;
    std::vector<UniqueFd> silent;
    for (std::size_t at = 0; at < pam_server::max_connections + 100; ++at) {
        silent.push_back(bench.connect());
        run_ready(bench.loop);
    }
    const UniqueFd asker = bench.ask(bytes_of(request()));
    EXPECT(bench.hears(1), "heard");
    bench.server->answer(std::get<core::OpenRequested>(bench.events.at(0)).request, {wire::Outcome::uncounted, 0, {}});
    EXPECT_TEXT(answer_on(asker), "2 0 ");
    std::byte byte{};
    EXPECT(recv(silent.front().get(), &byte, 1, MSG_DONTWAIT) == 0, "the oldest had to go");
}

void more_that_wait_than_there_is_room_are_failed() {
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
    EXPECT(bench.hears(pam_server::max_connections + 1), "room again");
}

void running_out_of_descriptors_is_survived() {
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
    EXPECT(failed && bench.failures.size() == 1, "said once");
    EXPECT(bench.hears(3), "and all are heard afterwards");
}

void nobody_is_accepted_before_the_start() {
    TemporaryDirectory directory;
    const EventLoop loop = make_loop();
    int events = 0;
    const std::string path = directory.path / "socket";
    auto server =
        pam_server::Server::make(loop.get(), pam_server::listen_at(path.c_str()).value(),
                                 {.event = [&](const core::Event&) { ++events; }, .failed = [](const Error&) {}});
    const UniqueFd asker = connect_to(path);
    const Bytes bytes = bytes_of(request());
    (void)send(asker.get(), bytes.data(), bytes.size(), 0);
    run_ready(loop);
    EXPECT(events == 0, "waits");
    server->start();
    EXPECT(run_until(loop, [&] { return events == 1; }), "and is heard");
}

} // namespace

int main() {
    if (getuid() != 0) {
        print_message("skipped: only root is listened to\n");
        return 77;
    }
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(the_socket_is_roots_alone),
        SESSLIMIT_TEST(a_request_becomes_an_event_and_gets_its_answer),
        SESSLIMIT_TEST(every_outcome_is_sent),
        SESSLIMIT_TEST(who_must_wait_is_told_how_long),
        SESSLIMIT_TEST(a_close_becomes_an_event),
        SESSLIMIT_TEST(broken_requests_are_failed_and_go_no_further),
        SESSLIMIT_TEST(a_hang_up_is_told_of_where_an_answer_was_due),
        SESSLIMIT_TEST(whoever_talks_on_has_hung_up),
        SESSLIMIT_TEST(a_slow_asker_is_heard),
        SESSLIMIT_TEST(a_silent_one_is_not_waited_for),
        SESSLIMIT_TEST(a_flood_of_silent_ones_keeps_nobody_out),
        SESSLIMIT_TEST(more_that_wait_than_there_is_room_are_failed),
        SESSLIMIT_TEST(running_out_of_descriptors_is_survived),
        SESSLIMIT_TEST(nobody_is_accepted_before_the_start),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
