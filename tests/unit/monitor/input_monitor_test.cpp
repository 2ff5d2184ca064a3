// SPDX-License-Identifier: MIT
#include "daemon/monitor/input_monitor.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/function_sink.hpp"
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
    FunctionSink events{[this](const core::Event& event) {
        if (const auto* input = std::get_if<core::InputReceived>(&event)) {
            heard.push_back(input->session);
        } else {
            newcomers.push_back(std::get<core::TerminalOpened>(event).owner);
        }
    }};
    monitor::InputMonitor listener = *monitor::InputMonitor::make(loop.get(), events);

    /// Returns true if the loop processed any event.
    bool wakes() { return sd_event_run(loop.get(), 0) > 0; }
};

SESSLIMIT_TEST(input_reported_for_each_terminal) {
    Bench bench;
    const Pty first;
    const Pty second;
    bench.listener.listen(one, {first.terminal, second.terminal});
    bench.listener.listen(two, {second.terminal});
    EXPECT(bench.listener.listens(one) && bench.listener.listens(two), "both are monitored");
    first.type();
    run_ready(bench.loop);
    EXPECT(bench.heard == std::vector{one}, "its own terminal");
    second.type();
    run_ready(bench.loop);
    EXPECT((bench.heard == std::vector{one, one, two}), "terminal of both sessions");
    EXPECT(bench.newcomers.empty(), "both terminals existed before");
}

/// The number of a closed pty is reused for the next one, which may belong to another user.
SESSLIMIT_TEST(terminal_of_another_user_not_monitored) {
    Bench bench;
    const Pty pty;
    inspect::Terminal other = pty.terminal;
    other.owner += 1;
    bench.listener.listen(one, {other});
    pty.type();
    run_ready(bench.loop);
    EXPECT(bench.heard.empty(), "terminal of another user");
    bench.listener.listen(two, {pty.terminal});
    bench.listener.stop(one);
    bench.listener.listen(one, {other});
    pty.type();
    run_ready(bench.loop);
    EXPECT(bench.heard == std::vector{two}, "the other session is still monitored");
}

SESSLIMIT_TEST(output_not_reported_as_input) {
    Bench bench;
    const Pty pty;
    bench.listener.listen(one, {pty.terminal});
    (void)!write(pty.slave.get(), "notice\r\n", 8);
    EXPECT(!bench.wakes(), "own notice");
}

SESSLIMIT_TEST(unmonitored_terminal_causes_no_wakeup) {
    Bench bench;
    const Pty before;
    before.type();
    EXPECT(!bench.wakes(), "never monitored");
    bench.listener.listen(one, {before.terminal});
    bench.listener.stop(one);
    bench.listener.stop(one);
    EXPECT(!bench.listener.listens(one), "stopped");
    run_ready(bench.loop); // the kernel's event for the removed watch
    const Pty after;
    before.type();
    after.type();
    EXPECT(!bench.wakes(), "no longer monitored");
    EXPECT(bench.heard.empty() && bench.newcomers.empty(), "nothing is reported");
}

SESSLIMIT_TEST(input_on_new_terminal_reported_once) {
    Bench bench;
    const Pty before;
    bench.listener.listen(one, {before.terminal});
    const Pty after;
    struct stat at{};
    (void)fstat(after.slave.get(), &at);
    run_ready(bench.loop);
    EXPECT(bench.newcomers.empty(), "terminal exists without input");
    after.type();
    run_ready(bench.loop);
    EXPECT(bench.newcomers == std::vector{at.st_uid}, "reported");
    after.type();
    run_ready(bench.loop);
    EXPECT(bench.newcomers.size() == 1 && bench.heard.empty(), "once");
}

SESSLIMIT_TEST(new_terminal_can_be_monitored) {
    Bench bench;
    const Pty before;
    bench.listener.listen(one, {before.terminal});
    const Pty after;
    run_ready(bench.loop);
    bench.listener.listen(one, {after.terminal});
    after.type();
    after.type();
    run_ready(bench.loop);
    EXPECT(bench.newcomers.empty() && !bench.heard.empty(), "terminal belongs to the session now");
    const std::size_t heard = bench.heard.size();
    after.type();
    run_ready(bench.loop);
    EXPECT(bench.heard.size() == heard + 1, "it stays monitored");
}

SESSLIMIT_TEST(closed_terminal_does_not_affect_others) {
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
    EXPECT(bench.heard == std::vector{one} && bench.newcomers.empty(), "the other terminal is still monitored");
}

} // namespace
