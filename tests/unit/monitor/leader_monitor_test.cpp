// SPDX-License-Identifier: MIT
#include "common/pidfd.hpp"
#include "daemon/monitor/leader_monitor.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/descriptors.hpp"
#include "tests/unit/support/loop_bench.hpp"

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
    monitor::LeaderMonitor leaders{loop.get(), [this](SessionKey key) { exited.push_back(key); }};

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

void an_exit_is_told_once() {
    Bench bench;
    Child child;
    EXPECT(bench.leaders.track(one, leader_of(child)).value(), "tracked");
    EXPECT(bench.leaders.track(one, leader_of(child)).value(), "tracked already");
    run_ready(bench.loop);
    EXPECT(bench.exited.empty(), "alive");
    child.let_go();
    EXPECT(bench.hears(1) && bench.exited.at(0) == one, "exited");
    EXPECT(!bench.leaders.signal(one, 0).has_value(), "no longer tracked");
    run_ready(bench.loop);
    EXPECT(bench.exited.size() == 1, "once");
}

/// By the pidfd that somebody had of it already, as the server has of who asks.
void who_is_expected_is_held_by_what_was_given() {
    Bench bench;
    Child child;
    Child other;
    const auto pidfd_of = [](const Child& of) {
        return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, of.pid(), 0)));
    };
    // Told apart by whose it is: the pidfd is not looked at again, so another's shows which one is held.
    bench.leaders.provide_pidfd(leader_of(child), pidfd_of(other));
    EXPECT(bench.leaders.track(one, leader_of(child)).value(), "tracked");
    other.let_go();
    EXPECT(bench.hears(1) && bench.exited.at(0) == one, "by the pidfd that was given");
    bench.leaders.provide_pidfd(leader_of(child), pidfd_of(child));
    EXPECT(bench.leaders.track(one, leader_of(child)).value() && bench.leaders.track(two, leader_of(child)).value(),
           "given once, made the next time");
    child.let_go();
    EXPECT(bench.hears(3), "both");
    bench.leaders.provide_pidfd({child.pid(), 1}, pidfd_of(child));
    EXPECT(!bench.leaders.track(one, {child.pid(), 2}).value(), "another process than was expected");
}

void one_process_may_lead_several() {
    Bench bench;
    Child child;
    EXPECT(bench.leaders.track(one, leader_of(child)).value() && bench.leaders.track(two, leader_of(child)).value(),
           "tracked");
    child.let_go();
    EXPECT(bench.hears(2) && bench.exited.at(0) != bench.exited.at(1), "both");
}

void who_has_exited_is_not_held() {
    Bench bench;
    Child child;
    const Leader leader = leader_of(child);
    EXPECT(!bench.leaders.track(one, {leader.pid, leader.mark + 1}).value(), "another mark: another process");
    EXPECT(bench.leaders.track(two, {leader.pid, 0}).value(), "an unknown mark is believed");
    child.finish();
    EXPECT(!bench.leaders.track(one, leader).value(), "gone");
    EXPECT(!bench.leaders.track(one, {0, 0}).value_or(false) && !bench.leaders.track(one, {-5, 0}).value_or(false),
           "nobody");
    EXPECT(bench.hears(1) && bench.exited.at(0) == two, "the one that was tracked");
}

void a_zombie_has_exited() {
    Bench bench;
    Child child;
    const Leader leader = leader_of(child);
    child.let_go();
    siginfo_t info{};
    (void)waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT); // dead, and not reaped
    const bool tracked = bench.leaders.track(one, leader).value();
    EXPECT(!tracked || bench.hears(1), "told one way or the other");
}

void who_was_let_go_is_not_told_of() {
    Bench bench;
    Child first;
    Child second;
    EXPECT(bench.leaders.track(one, leader_of(first)).value() && bench.leaders.track(two, leader_of(second)).value(),
           "tracked");
    bench.leaders.untrack(one);
    bench.leaders.untrack(one);
    first.finish();
    second.let_go();
    EXPECT(bench.hears(1) && bench.exited.at(0) == two, "only the other");
}

/// Both have exited by the time that the loop looks: what the first leads to may be that nobody asks for the second.
void who_is_let_go_by_anothers_exit_is_not_told_of() {
    Child first;
    Child second;
    EventLoop loop = make_loop();
    std::vector<SessionKey> exited;
    monitor::LeaderMonitor* tracked = nullptr;
    monitor::LeaderMonitor leaders(loop.get(), [&](SessionKey key) {
        exited.push_back(key);
        tracked->untrack(key == one ? two : one);
    });
    tracked = &leaders;
    EXPECT(leaders.track(one, leader_of(first)).value() && leaders.track(two, leader_of(second)).value(), "tracked");
    first.finish();
    second.finish();
    EXPECT(run_until(loop, [&] { return !exited.empty(); }), "one of them");
    run_ready(loop);
    EXPECT(exited.size() == 1, "and that one alone");
}

void a_signal_reaches_who_is_held_and_nobody_else() {
    Bench bench;
    Child child;
    EXPECT(bench.leaders.signal(one, SIGTERM).error().code == ESRCH, "nobody");
    EXPECT(bench.leaders.track(one, leader_of(child)).value(), "tracked");
    EXPECT(bench.leaders.signal(two, SIGTERM).error().code == ESRCH, "another session");
    EXPECT(bench.leaders.signal(one, SIGTERM).has_value(), "sent");
    EXPECT(bench.hears(1), "exited");
    const int status = child.finish();
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "of it");
}

void without_descriptors_nobody_is_taken_for_dead() {
    Bench bench;
    Child child;
    const Leader by_start{child.pid(), read_process_stat(child.pid())->start};
    for (const rlim_t left : {0U, 1U}) { // no pidfd; a pidfd, and nothing to read /proc with
        const auto tracked = with_descriptors(left, [&] { return bench.leaders.track(one, by_start); });
        EXPECT(!tracked.has_value() && tracked.error().code == EMFILE, std::to_string(left));
    }
    run_ready(bench.loop);
    EXPECT(bench.exited.empty(), "it lives");
}

void who_could_not_be_held_is_held_later() {
    Bench bench;
    Child first;
    Child second;
    const bool untracked = with_descriptors(0, [&] {
        return !bench.leaders.track(one, leader_of_pid(first)) && !bench.leaders.track(two, leader_of_pid(second));
    });
    EXPECT(untracked, "neither");
    first.finish();
    EXPECT(bench.hears(1) && bench.exited.at(0) == one, "it had exited in the meantime");
    second.let_go();
    EXPECT(bench.hears(2) && bench.exited.at(1) == two, "it is tracked by now");
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(an_exit_is_told_once),
        SESSLIMIT_TEST(who_is_expected_is_held_by_what_was_given),
        SESSLIMIT_TEST(one_process_may_lead_several),
        SESSLIMIT_TEST(who_has_exited_is_not_held),
        SESSLIMIT_TEST(a_zombie_has_exited),
        SESSLIMIT_TEST(who_was_let_go_is_not_told_of),
        SESSLIMIT_TEST(who_is_let_go_by_anothers_exit_is_not_told_of),
        SESSLIMIT_TEST(a_signal_reaches_who_is_held_and_nobody_else),
        SESSLIMIT_TEST(without_descriptors_nobody_is_taken_for_dead),
        SESSLIMIT_TEST(who_could_not_be_held_is_held_later),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
