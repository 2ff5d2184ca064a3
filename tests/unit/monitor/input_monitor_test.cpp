// SPDX-License-Identifier: MIT
#include "daemon/monitor/input_monitor.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/loop_bench.hpp"
#include "tests/unit/support/pty.hpp"

#include <vector>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;

constexpr SessionKey one{1};
constexpr SessionKey two{2};

struct Bench {
    EventLoop loop = make_loop();
    std::vector<SessionKey> heard;
    std::vector<uid_t> newcomers;
    monitor::InputMonitor listener =
        *monitor::InputMonitor::make(loop.get(), {.input = [this](SessionKey key) { heard.push_back(key); },
                                            .newcomer = [this](uid_t owner) { newcomers.push_back(owner); }});

    /// Whether it woke up for anything at all.
    bool wakes() { return sd_event_run(loop.get(), 0) > 0; }
};

void a_key_is_heard_on_each_terminal() {
    Bench bench;
    const Pty first;
    const Pty second;
    bench.listener.listen(one, {first.terminal, second.terminal});
    bench.listener.listen(two, {second.terminal});
    EXPECT(bench.listener.listens(one) && bench.listener.listens(two), "listened to");
    first.type();
    run_ready(bench.loop);
    EXPECT(bench.heard == std::vector{one}, "its own");
    second.type();
    run_ready(bench.loop);
    EXPECT((bench.heard == std::vector{one, one, two}), "shared by both");
    EXPECT(bench.newcomers.empty(), "both were there before");
}

/// The number of a closed pty is given to the next one, which may be of another user.
void Listen_TerminalOfAnotherUser_IsNotHeard() {
    Bench bench;
    const Pty pty;
    inspect::Terminal other = pty.terminal;
    other.owner += 1;
    bench.listener.listen(one, {other});
    pty.type();
    run_ready(bench.loop);
    EXPECT(bench.heard.empty(), "not its terminal");
    bench.listener.listen(two, {pty.terminal});
    bench.listener.stop(one);
    bench.listener.listen(one, {other});
    pty.type();
    run_ready(bench.loop);
    EXPECT(bench.heard == std::vector{two}, "the watch of the other session stays");
}

void output_is_not_heard() {
    Bench bench;
    const Pty pty;
    bench.listener.listen(one, {pty.terminal});
    (void)!write(pty.slave.get(), "notice\r\n", 8);
    EXPECT(!bench.wakes(), "a notice of ours");
}

void who_is_not_listened_to_wakes_nobody() {
    Bench bench;
    const Pty before;
    before.type();
    EXPECT(!bench.wakes(), "never");
    bench.listener.listen(one, {before.terminal});
    bench.listener.stop(one);
    bench.listener.stop(one);
    EXPECT(!bench.listener.listens(one), "stopped");
    run_ready(bench.loop); // the kernel's word that it no longer watches
    const Pty after;
    before.type();
    after.type();
    EXPECT(!bench.wakes(), "no longer");
    EXPECT(bench.heard.empty() && bench.newcomers.empty(), "nothing");
}

void a_key_on_a_newer_terminal_is_told_once() {
    Bench bench;
    const Pty before;
    bench.listener.listen(one, {before.terminal});
    const Pty after;
    struct stat at{};
    (void)fstat(after.slave.get(), &at);
    run_ready(bench.loop);
    EXPECT(bench.newcomers.empty(), "it is there, and nothing was typed");
    after.type();
    run_ready(bench.loop);
    EXPECT(bench.newcomers == std::vector{at.st_uid}, "told");
    after.type();
    run_ready(bench.loop);
    EXPECT(bench.newcomers.size() == 1 && bench.heard.empty(), "once");
}

void a_newer_terminal_can_be_listened_to() {
    Bench bench;
    const Pty before;
    bench.listener.listen(one, {before.terminal});
    const Pty after;
    run_ready(bench.loop);
    bench.listener.listen(one, {after.terminal});
    after.type();
    after.type();
    run_ready(bench.loop);
    EXPECT(bench.newcomers.empty() && !bench.heard.empty(), "it is of the session by now");
    const std::size_t heard = bench.heard.size();
    after.type();
    run_ready(bench.loop);
    EXPECT(bench.heard.size() == heard + 1, "for good");
}

void a_terminal_may_go() {
    Bench bench;
    const Pty before;
    bench.listener.listen(one, {before.terminal});
    {
        const Pty gone;
        run_ready(bench.loop);
    }
    {
        const Pty listened;
        bench.listener.listen(one, {listened.terminal});
    }
    run_ready(bench.loop);
    before.type();
    run_ready(bench.loop);
    EXPECT(bench.heard == std::vector{one} && bench.newcomers.empty(), "the other is still heard");
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(Listen_TerminalOfAnotherUser_IsNotHeard),
        SESSLIMIT_TEST(a_key_is_heard_on_each_terminal),
        SESSLIMIT_TEST(output_is_not_heard),
        SESSLIMIT_TEST(who_is_not_listened_to_wakes_nobody),
        SESSLIMIT_TEST(a_key_on_a_newer_terminal_is_told_once),
        SESSLIMIT_TEST(a_newer_terminal_can_be_listened_to),
        SESSLIMIT_TEST(a_terminal_may_go),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
