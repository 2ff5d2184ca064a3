// SPDX-License-Identifier: MIT
// Benchmark of requests without logins. Each client repeatedly opens a session and closes it, through the module's own
// call.
// usage: bench_client SOCKET CLIENTS SECONDS GAP
//   GAP: microseconds that a client waits before each request, so that the server is idle when the request arrives
// Prints {"seconds": S, "open": [ns, ...], "close": [ns, ...]}: the duration of each call, including the connect.
#include "common/clock.hpp"
#include "common/protocol.hpp"
#include "pam/call.hpp"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

using namespace sesslimit;

namespace {

constexpr std::size_t max_samples = 1U << 18U; // per client
constexpr std::string_view auth_info =
    "publickey ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1mO0Zb3mJc0mXq6cHh9N3l1mYQ2o1n2yQ0V5oJ5m7b\n";

/// Measurements of a client, in memory that the parent reads after the client has exited.
struct Samples {
    std::size_t count;
    std::array<std::uint64_t, max_samples> open;
    std::array<std::uint64_t, max_samples> close;
};

struct Run {
    const char* socket;
    MonotonicTime begin;
    MonotonicTime end;
    long gap;
};

std::uint64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

void pause_for(long usec) {
    const timespec span{.tv_sec = usec / 1'000'000, .tv_nsec = usec % 1'000'000 * 1000};
    (void)nanosleep(&span, nullptr);
}

/// Sends one frame. Returns the duration of the call in nanoseconds. Exits if the reply does not have the expected
/// outcome.
std::uint64_t ask(const Run& run, std::span<const std::byte> frame, wire::Outcome outcome, std::uint64_t& session) {
    std::array<std::byte, wire::max_text + 256> reply{};
    if (run.gap > 0) {
        pause_for(run.gap);
    }
    const std::uint64_t before = now_ns();
    const auto answer = pam::call(run.socket, frame, reply, std::chrono::seconds(30), 1);
    const std::uint64_t took = now_ns() - before;
    const auto verdict = answer
                             ? wire::decode_verdict(std::span(reply).first(answer->size))
                             : std::expected<wire::Verdict, wire::WireError>(std::unexpect, wire::WireError::missing);
    if (!verdict || verdict->outcome != outcome) {
        std::fprintf(stderr, "unexpected answer: outcome %d, %s\n", verdict ? static_cast<int>(verdict->outcome) : -1,
                     run.socket);
        std::_Exit(1);
    }
    session = verdict->session;
    return took;
}

void log_in_and_out(const Run& run, unsigned number, Samples& samples) {
    const std::string user = "client" + std::to_string(number);
    const std::array<gid_t, 4> gids{100, 20, 44, 70'000 + number};
    const wire::OpenRequest request{.user = user,
                                    .uid = 70'000 + number,
                                    .gids = wire::GidView(gids),
                                    .service = "sshd",
                                    .tty = "ssh",
                                    .rhost = "192.0.2.7",
                                    .ruser = {},
                                    .auth_info = auth_info,
                                    .connection = "192.0.2.7 51234 192.0.2.1 22",
                                    .seat = {},
                                    .budget_ms = 2000};
    std::array<std::byte, 1024> open{};
    std::array<std::byte, 64> close{};
    const std::size_t open_size = wire::encode(request, open).value_or(0);
    while (monotonic_now() < run.begin) {
        pause_for(100);
    }
    while (monotonic_now() < run.end && samples.count < max_samples) {
        std::uint64_t session = 0;
        samples.open[samples.count] = ask(run, std::span(open).first(open_size), wire::Outcome::admitted, session);
        const std::size_t close_size = wire::encode(wire::CloseRequest{session}, close).value_or(0);
        samples.close[samples.count] = ask(run, std::span(close).first(close_size), wire::Outcome::noted, session);
        ++samples.count;
    }
}

void print(const char* name, const std::vector<Samples*>& all, std::array<std::uint64_t, max_samples> Samples::* what) {
    std::printf("\"%s\": [", name);
    const char* comma = "";
    for (const Samples* samples : all) {
        for (std::size_t at = 0; at < samples->count; ++at) {
            std::printf("%s%llu", comma, static_cast<unsigned long long>((samples->*what)[at]));
            comma = ",";
        }
    }
    std::printf("]");
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        return 2;
    }
    const auto clients = static_cast<unsigned>(std::atoi(argv[2]));
    const double seconds = std::atof(argv[3]);
    const MonotonicTime begin = monotonic_now() + std::chrono::milliseconds(20 + clients);
    const Run run{.socket = argv[1],
                  .begin = begin,
                  .end = begin + Duration(static_cast<std::int64_t>(seconds * 1e6)),
                  .gap = std::atol(argv[4])};
    std::vector<Samples*> all;
    std::vector<pid_t> children;
    for (unsigned number = 0; number < clients; ++number) {
        all.push_back(static_cast<Samples*>(
            mmap(nullptr, sizeof(Samples), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)));
        children.push_back(fork());
        if (children.back() == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            log_in_and_out(run, number, *all.back());
            std::_Exit(0);
        }
    }
    int failed = 0;
    for (const pid_t child : children) {
        int status = 0;
        failed += waitpid(child, &status, 0) != child || status != 0 ? 1 : 0;
    }
    std::printf("{\"seconds\": %.6f, ", seconds);
    print("open", all, &Samples::open);
    std::printf(", ");
    print("close", all, &Samples::close);
    std::printf("}\n");
    return failed == 0 ? 0 : 1;
}
