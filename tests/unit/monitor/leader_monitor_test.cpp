// SPDX-License-Identifier: MIT
#include "common/process.hpp"
#include "daemon/monitor/leader_monitor.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/descriptors.hpp"
#include "tests/unit/support/function_sink.hpp"
#include "tests/unit/support/loop_bench.hpp"

#include <fcntl.h>
#include <sys/syscall.h>

#include <csignal>
#include <vector>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;

constexpr SessionKey one{1};
constexpr SessionKey two{2};

struct Bench {
    EventLoop loop = make_loop();
    std::vector<SessionKey> exited;
    FunctionSink events{
        [this](const core::Event& event) { exited.push_back(std::get<core::LeaderExited>(event).session); }};
    monitor::LeaderMonitor leaders{loop.get(), events};

    bool hears(std::size_t count) {
        return run_until(loop, [&] { return exited.size() >= count; });
    }
};

Leader leader_of(const Child& child) {
    return identify(child.pid()).value();
}

Leader leader_of_pid(const Child& child) {
    return {child.pid(), 0};
}

SESSLIMIT_TEST(leader_exit_reported_once) {
    Bench bench;
    Child child;
    EXPECT(bench.leaders.track(one, leader_of(child)).value(), "tracked");
    EXPECT(bench.leaders.track(one, leader_of(child)).value(), "already tracked");
    run_ready(bench.loop);
    EXPECT(bench.exited.empty(), "alive");
    child.let_go();
    EXPECT(bench.hears(1) && bench.exited.at(0) == one, "exited");
    EXPECT(!bench.leaders.signal(one, 0).has_value(), "no longer tracked");
    run_ready(bench.loop);
    EXPECT(bench.exited.size() == 1, "once");
}

/// Uses a pidfd that is already open, such as the server's pidfd of the requesting process.
SESSLIMIT_TEST(leader_tracked_by_given_pidfd) {
    Bench bench;
    Child child;
    Child other;
    const auto pidfd_of = [](const Child& of) {
        return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, of.pid(), 0)));
    };
    // The pidfd is not checked again. Therefore the exit of another process shows which pidfd is in use.
    EXPECT(bench.leaders.track(one, leader_of(child), pidfd_of(other)).value(), "tracked");
    EXPECT(bench.leaders.watch_new().has_value(), "watched");
    other.let_go();
    EXPECT(bench.hears(1) && bench.exited.at(0) == one, "by the given pidfd");
    EXPECT(bench.leaders.track(one, leader_of(child)).value(), "tracked by a pidfd that the monitor opens");
    child.let_go();
    EXPECT(bench.hears(2), "exited");
}

/// A descriptor of a file cannot be watched, as a pidfd if memory is short.
SESSLIMIT_TEST(leader_tracked_later_if_given_pidfd_cannot_be_watched) {
    Bench bench;
    Child child;
    UniqueFd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    EXPECT(bench.leaders.track(one, leader_of(child), std::move(file)).value(), "taken");
    EXPECT(!bench.leaders.watch_new() && !bench.leaders.tracks(one), "not watched");
    EXPECT(bench.leaders.watch_new().has_value(), "nothing is new");
    child.let_go();
    EXPECT(bench.hears(1) && bench.exited.at(0) == one, "the exit is found by the next attempt");
}

SESSLIMIT_TEST(one_process_leads_several_sessions) {
    Bench bench;
    Child child;
    EXPECT(bench.leaders.track(one, leader_of(child)).value() && bench.leaders.track(two, leader_of(child)).value(),
           "tracked");
    child.let_go();
    EXPECT(bench.hears(2) && bench.exited.at(0) != bench.exited.at(1), "both");
}

SESSLIMIT_TEST(exited_leader_not_tracked) {
    Bench bench;
    Child child;
    const Leader leader = leader_of(child);
    EXPECT(!bench.leaders.track(one, {leader.pid, leader.mark + 1}).value(), "another mark: another process");
    EXPECT(bench.leaders.track(two, {leader.pid, 0}).value(), "an unknown mark is accepted");
    child.finish();
    EXPECT(!bench.leaders.track(one, leader).value(), "gone");
    EXPECT(!bench.leaders.track(one, {0, 0}).value_or(false) && !bench.leaders.track(one, {-5, 0}).value_or(false),
           "not a process");
    EXPECT(bench.hears(1) && bench.exited.at(0) == two, "the tracked session");
}

SESSLIMIT_TEST(zombie_leader_counts_as_exited) {
    Bench bench;
    Child child;
    const Leader leader = leader_of(child);
    child.let_go();
    siginfo_t info{};
    (void)waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT); // dead, but not reaped
    const bool tracked = bench.leaders.track(one, leader).value();
    EXPECT(!tracked || bench.hears(1), "reported by the result or by the event");
}

SESSLIMIT_TEST(untracked_leader_exit_not_reported) {
    Bench bench;
    Child first;
    Child second;
    EXPECT(bench.leaders.track(one, leader_of(first)).value() && bench.leaders.track(two, leader_of(second)).value(),
           "tracked");
    bench.leaders.untrack(one);
    bench.leaders.untrack(one);
    first.finish();
    second.let_go();
    EXPECT(bench.hears(1) && bench.exited.at(0) == two, "only the other session");
}

/// Both leaders have exited when the loop runs. The handler of the first exit untracks the second session.
SESSLIMIT_TEST(leader_untracked_by_other_exit_not_reported) {
    Child first;
    Child second;
    EventLoop loop = make_loop();
    std::vector<SessionKey> exited;
    monitor::LeaderMonitor* tracked = nullptr;
    FunctionSink events([&](const core::Event& event) {
        const SessionKey key = std::get<core::LeaderExited>(event).session;
        exited.push_back(key);
        tracked->untrack(key == one ? two : one);
    });
    monitor::LeaderMonitor leaders(loop.get(), events);
    tracked = &leaders;
    EXPECT(leaders.track(one, leader_of(first)).value() && leaders.track(two, leader_of(second)).value(), "tracked");
    first.finish();
    second.finish();
    EXPECT(run_until(loop, [&] { return !exited.empty(); }), "one of them");
    run_ready(loop);
    EXPECT(exited.size() == 1, "only that one");
}

SESSLIMIT_TEST(signal_reaches_only_tracked_leader) {
    Bench bench;
    Child child;
    EXPECT(bench.leaders.signal(one, SIGTERM).error().code == ESRCH, "no tracked leader");
    EXPECT(bench.leaders.track(one, leader_of(child)).value(), "tracked");
    EXPECT(bench.leaders.signal(two, SIGTERM).error().code == ESRCH, "another session");
    EXPECT(bench.leaders.signal(one, SIGTERM).has_value(), "sent");
    EXPECT(bench.hears(1), "exited");
    const int status = child.finish();
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "terminated by the signal");
}

SESSLIMIT_TEST(descriptor_exhaustion_not_reported_as_exit) {
    Bench bench;
    Child child;
    const Leader by_start{child.pid(), read_process_stat(child.pid())->start};
    for (const rlim_t left : {0U, 1U}) { // no pidfd; then a pidfd, but no descriptor to read /proc
        const auto tracked = with_descriptors(left, [&] { return bench.leaders.track(one, by_start); });
        EXPECT(!tracked.has_value() && tracked.error().code == EMFILE, std::to_string(left));
    }
    run_ready(bench.loop);
    EXPECT(bench.exited.empty(), "it is alive");
}

SESSLIMIT_TEST(tracking_retried_after_descriptor_exhaustion) {
    Bench bench;
    Child first;
    Child second;
    const bool untracked = with_descriptors(0, [&] {
        return !bench.leaders.track(one, leader_of_pid(first)) && !bench.leaders.track(two, leader_of_pid(second));
    });
    EXPECT(untracked, "neither");
    first.finish();
    EXPECT(bench.hears(1) && bench.exited.at(0) == one, "it exited in the meantime");
    second.let_go();
    EXPECT(bench.hears(2) && bench.exited.at(1) == two, "it is tracked now");
}

SESSLIMIT_TEST(tracked_again_before_watched) {
    Bench bench;
    Child child;
    UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, child.pid(), 0)));
    EXPECT(bench.leaders.track(one, leader_of(child), std::move(pidfd)).value(), "taken");
    bench.leaders.untrack(one);
    EXPECT(bench.leaders.track(one, leader_of(child)).value(), "tracked again");
    EXPECT(bench.leaders.watch_new().has_value(), "no error");
    EXPECT(bench.leaders.tracks(one), "still tracked");
    child.let_go();
    EXPECT(bench.hears(1), "exit");
}

} // namespace
