// SPDX-License-Identifier: MIT
// Creates a ledger full of sessions, and their leader processes.
// usage: bench_fill DIRECTORY SESSIONS LEADERS LED [STAYING]
//          Creates sessions that are far from their limits. LEADERS processes share the first LED sessions, which
//          logind knows. The other sessions have unknown leaders, and logind does not know them. All but the first
//          STAYING sessions are dropped again and leave free slots.
//        bench_fill DIRECTORY SESSIONS due FROM WITHIN LIMIT [bare]
//          Creates sessions that each have their own leader. A session reaches its limit of LIMIT seconds at a time
//          between FROM and FROM + WITHIN seconds from now. With "bare" there is no ledger, and a plain timer of this
//          program sends SIGTERM to each leader at that time.
// Prints "ready" and runs until its input ends. The second form then prints a JSON array with the delay of each
// leader's SIGTERM in microseconds. The value is null if a leader did not receive one.
#include "common/clock.hpp"
#include "common/process.hpp"
#include "daemon/ledger/ledger.hpp"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

using namespace sesslimit;

namespace {

struct Process {
    Leader leader;
    std::atomic<std::int64_t>* signalled; ///< CLOCK_BOOTTIME in microseconds; 0: not received
};

/// Starts a process that waits for SIGTERM and records the time of its arrival.
Process make_process(std::atomic<std::int64_t>* signalled) {
    const pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        sigset_t term;
        sigemptyset(&term);
        sigaddset(&term, SIGTERM);
        siginfo_t info{};
        while (sigwaitinfo(&term, &info) < 0) {
        }
        signalled->store(boottime_now().time_since_epoch().count());
        std::_Exit(0);
    }
    return {.leader = identify(pid).value_or(Leader{.pid = pid, .mark = 0}), .signalled = signalled};
}

std::vector<Process> make_processes(std::size_t count) {
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, nullptr); // inherited by the children until they wait for the signal
    auto* memory = static_cast<std::atomic<std::int64_t>*>(mmap(
        nullptr, count * sizeof(std::atomic<std::int64_t>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    std::vector<Process> processes;
    for (std::size_t number = 0; number < count; ++number) {
        processes.push_back(make_process(memory + number));
    }
    sigprocmask(SIG_UNBLOCK, &term, nullptr);
    return processes;
}

/// Returns a session as of an ssh login. Each user has three.
core::Session session_of(std::size_t number, const Leader& leader) {
    const std::string name = std::to_string(number);
    core::Session session;
    session.key = SessionKey{number + 1};
    session.phase = core::Phase::active;
    session.terminal = core::Terminal::some;
    session.login.user = "user" + std::to_string(number / 3);
    session.login.uid = static_cast<uid_t>(100'000 + number / 3);
    session.login.gids = {20, 44, 100, static_cast<gid_t>(100'000 + number / 3)};
    session.login.service = "sshd";
    session.login.tty = "ssh";
    session.login.rhost = "192.0.2.7";
    session.login.credential = {.method = "publickey",
                                .fingerprint = "SHA256:uNiVztksCsDhcc0u9e8BrrkUv5FyPpqS3N8B2MRVZNs"};
    session.login.connection = "192.0.2.7 51234 192.0.2.1 22";
    session.leader = leader;
    session.logind_id = name;
    session.scope = "session-" + name + ".scope";
    session.opened = boottime_now();
    session.admitted = session.opened;
    session.last_input = session.opened;
    session.max_duration = std::chrono::hours(12);
    session.idle_timeout = session.idle_timeout_no_terminal = std::chrono::hours(2);
    return session;
}

void fill(const char* directory, const std::vector<core::Session>& sessions, std::size_t staying) {
    std::vector<std::string> dropped;
    auto ledger = ledger::Ledger::open(directory, [](core::Session&&) {}, dropped);
    for (const core::Session& session : sessions) {
        if (!ledger || !ledger->put(session)) {
            std::fprintf(stderr, "%s: failed to write the sessions to the ledger\n", directory);
            std::exit(1);
        }
    }
    for (const core::Session& session : std::span(sessions).subspan(std::min(staying, sessions.size()))) {
        ledger->drop(session.key);
    }
}

void wait_for_end_of_input() {
    std::printf("ready\n");
    std::fflush(stdout);
    char byte = 0;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
}

/// Sends the signals with the minimum of work: a single timer, armed for the next of the moments.
void run_bare_timer(std::vector<std::pair<BootTime, pid_t>> moments) {
    std::ranges::sort(moments);
    const int timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);
    for (const auto& [moment, pid] : moments) {
        const std::int64_t usec = moment.time_since_epoch().count();
        itimerspec at{};
        at.it_value = {.tv_sec = usec / 1'000'000, .tv_nsec = usec % 1'000'000 * 1000};
        std::uint64_t rang = 0;
        if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, nullptr) < 0 || read(timer, &rang, sizeof rang) < 0) {
            std::exit(1);
        }
        (void)kill(pid, SIGTERM);
    }
}

int due(const char* directory, std::size_t count, char** spans, bool bare) {
    const std::int64_t from = std::atoll(spans[0]) * 1'000'000;
    const std::int64_t within = std::atoll(spans[1]) * 1'000'000;
    const Duration limit = std::chrono::seconds(std::atoll(spans[2]));
    const auto processes = make_processes(count);
    std::mt19937_64 random(count); // the same moments in every run
    const BootTime begin = boottime_now();
    std::vector<core::Session> sessions;
    std::vector<std::pair<BootTime, pid_t>> moments;
    for (std::size_t number = 0; number < count; ++number) {
        const BootTime moment = begin + Duration(from + static_cast<std::int64_t>(random() % std::uint64_t(within)));
        core::Session session = session_of(number, processes[number].leader);
        session.phase = core::Phase::admitted; // logind does not know it, so that its leader is signaled
        session.logind_id.clear();
        session.scope.clear();
        session.opened = session.admitted = session.last_input = moment - limit;
        session.max_duration = limit;
        session.idle_timeout = session.idle_timeout_no_terminal = unlimited_duration;
        sessions.push_back(session);
        moments.emplace_back(moment, processes[number].leader.pid);
    }
    if (bare) {
        std::thread(run_bare_timer, moments).detach();
    } else {
        fill(directory, sessions, count);
    }
    wait_for_end_of_input();
    const char* before = "[";
    for (std::size_t number = 0; number < count; ++number) {
        const std::int64_t at = processes[number].signalled->load();
        const std::int64_t late = at - moments[number].first.time_since_epoch().count();
        std::printf("%s%s", before, at == 0 ? "null" : std::to_string(late).c_str());
        before = ", ";
    }
    std::printf("]\n");
    return 0;
}

int idle(const char* directory, std::size_t count, std::size_t leaders, std::size_t led, std::size_t staying) {
    const auto processes = make_processes(leaders);
    std::vector<core::Session> sessions;
    sessions.reserve(count);
    for (std::size_t number = 0; number < count; ++number) {
        sessions.push_back(session_of(number, number < led ? processes[number % leaders].leader : Leader{}));
        if (number >= led) {
            sessions.back().phase = core::Phase::admitted;
            sessions.back().logind_id.clear();
            sessions.back().scope.clear();
        }
    }
    fill(directory, sessions, staying);
    sessions.clear();
    wait_for_end_of_input();
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    if (argc >= 7 && std::strcmp(argv[3], "due") == 0) {
        return due(argv[1], std::strtoul(argv[2], nullptr, 10), argv + 4, argc == 8);
    }
    if (argc == 5 || argc == 6) {
        return idle(argv[1], std::strtoul(argv[2], nullptr, 10), std::strtoul(argv[3], nullptr, 10),
                    std::strtoul(argv[4], nullptr, 10), std::strtoul(argv[argc - 1 == 5 ? 5 : 2], nullptr, 10));
    }
    return 2;
}
