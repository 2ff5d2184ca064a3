// SPDX-License-Identifier: MIT
#include "daemon/watch/leaders.hpp"
#include "tests/unit/cmocka.hpp"
#include "tests/unit/loop_bench.hpp"

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
    watch::Leaders leaders{loop.get(), [this](SessionKey key) { exited.push_back(key); }};

    bool hears(std::size_t count) {
        return run_until(loop, [&] { return exited.size() >= count; });
    }
};

Leader leader_of(const Child& child) {
    return {child.pid(), read_process_stat(child.pid())->start};
}

void an_exit_is_told_once() {
    Bench bench;
    Child child;
    EXPECT(bench.leaders.hold(one, leader_of(child)).value(), "held");
    EXPECT(bench.leaders.hold(one, leader_of(child)).value(), "held already");
    run_ready(bench.loop);
    EXPECT(bench.exited.empty(), "alive");
    child.let_go();
    EXPECT(bench.hears(1) && bench.exited.at(0) == one, "exited");
    EXPECT(!bench.leaders.signal(one, 0).has_value(), "no longer held");
    run_ready(bench.loop);
    EXPECT(bench.exited.size() == 1, "once");
}

void one_process_may_lead_several() {
    Bench bench;
    Child child;
    EXPECT(bench.leaders.hold(one, leader_of(child)).value() && bench.leaders.hold(two, leader_of(child)).value(),
           "held");
    child.let_go();
    EXPECT(bench.hears(2) && bench.exited.at(0) != bench.exited.at(1), "both");
}

void who_has_exited_is_not_held() {
    Bench bench;
    Child child;
    const Leader leader = leader_of(child);
    EXPECT(!bench.leaders.hold(one, {leader.pid, leader.start + 1}).value(), "another start: another process");
    EXPECT(bench.leaders.hold(two, {leader.pid, 0}).value(), "an unknown start is believed");
    child.finish();
    EXPECT(!bench.leaders.hold(one, leader).value(), "gone");
    EXPECT(!bench.leaders.hold(one, {0, 0}).value_or(false) && !bench.leaders.hold(one, {-5, 0}).value_or(false),
           "nobody");
    EXPECT(bench.hears(1) && bench.exited.at(0) == two, "the one that was held");
}

void a_zombie_has_exited() {
    Bench bench;
    Child child;
    const Leader leader = leader_of(child);
    child.let_go();
    siginfo_t info{};
    (void)waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT); // dead, and not reaped
    const bool held = bench.leaders.hold(one, leader).value();
    EXPECT(!held || bench.hears(1), "told one way or the other");
}

void who_was_let_go_is_not_told_of() {
    Bench bench;
    Child first;
    Child second;
    EXPECT(bench.leaders.hold(one, leader_of(first)).value() && bench.leaders.hold(two, leader_of(second)).value(),
           "held");
    bench.leaders.let_go(one);
    bench.leaders.let_go(one);
    first.finish();
    second.let_go();
    EXPECT(bench.hears(1) && bench.exited.at(0) == two, "only the other");
}

void a_signal_reaches_who_is_held_and_nobody_else() {
    Bench bench;
    Child child;
    EXPECT(bench.leaders.signal(one, SIGTERM).error().code == ESRCH, "nobody");
    EXPECT(bench.leaders.hold(one, leader_of(child)).value(), "held");
    EXPECT(bench.leaders.signal(two, SIGTERM).error().code == ESRCH, "another session");
    EXPECT(bench.leaders.signal(one, SIGTERM).has_value(), "sent");
    EXPECT(bench.hears(1), "exited");
    const int status = child.finish();
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "of it");
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(an_exit_is_told_once),          SESSLIMIT_TEST(one_process_may_lead_several),
        SESSLIMIT_TEST(who_has_exited_is_not_held),    SESSLIMIT_TEST(a_zombie_has_exited),
        SESSLIMIT_TEST(who_was_let_go_is_not_told_of), SESSLIMIT_TEST(a_signal_reaches_who_is_held_and_nobody_else),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
