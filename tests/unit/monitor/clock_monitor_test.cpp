// SPDX-License-Identifier: MIT
#include "daemon/monitor/clock_monitor.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/function_sink.hpp"

#include <sys/timerfd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace {

using namespace sesslimit;

/// Returns the number of this process's timers on the wall clock with these flags (proc(5), /proc/PID/fdinfo).
int timers_with(int flags) {
    std::array<char, 32> wanted{};
    std::snprintf(wanted.data(), wanted.size(), "settime flags: 0%o\n", static_cast<unsigned>(flags));
    int found = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
        std::ostringstream text;
        text << std::ifstream(entry.path()).rdbuf();
        const bool is_wall_clock = text.str().find("clockid: 0\n") != std::string::npos;
        found += is_wall_clock && text.str().find(wanted.data()) != std::string::npos ? 1 : 0;
    }
    return found;
}

/// A test must not set the host's clock. It checks that the kernel was asked to report changes, and that no change is
/// reported as long as the clock is not set.
SESSLIMIT_TEST(wall_clock_reports_nothing_while_not_set) {
    sd_event* raw = nullptr;
    const int made = sd_event_new(&raw);
    const EventLoop loop(raw);
    int told = 0;
    test::FunctionSink events([&told](const core::Event&) { ++told; });
    auto clock = monitor::ClockMonitor::make(loop.get(), events);
    const int asked = timers_with(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
    const int ran = sd_event_run(loop.get(), 0);
    auto moved = std::move(clock);
    const int ran_again = sd_event_run(loop.get(), 0);
    EXPECT(made >= 0 && moved.has_value(), "made");
    EXPECT(asked == 1, "the timer is canceled when the clock is set");
    EXPECT(ran == 0 && ran_again == 0 && told == 0, "no event");
}

} // namespace
