// SPDX-License-Identifier: MIT
#include "daemon/event_loop.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/descriptors.hpp"
#include "tests/unit/support/loop_bench.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <csignal>
#include <optional>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace std::chrono_literals;

/// The callback destroys its own source and the values that it captured, as a multiplexer's deadline does.
SESSLIMIT_TEST(callback_may_destroy_its_own_source) {
    const EventLoop loop = make_loop();
    std::optional<Timer> timer;
    std::string seen;
    timer.emplace(loop.get(), CLOCK_MONOTONIC, [&timer, &seen, text = std::string(100, 'x')] {
        timer.reset();
        seen = text;
    });
    EXPECT(timer->arm_in(1ms).has_value(), "armed");
    EXPECT(run_until(loop, [&] { return !seen.empty(); }) && seen == std::string(100, 'x'), "the captured text");

    const UniqueFd event(eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
    EventSource source;
    source = watch_descriptor(loop.get(), event.get(), EPOLLIN, [&source, &seen, text = std::string(100, 'y')](auto) {
                 source.reset();
                 seen = text;
             }).value();
    EXPECT(run_until(loop, [&] { return seen == std::string(100, 'y'); }), "the other text");
    run_ready(loop);
    EXPECT(!source, "removed although the descriptor is still readable");
}

SESSLIMIT_TEST(timer_expires_once_each_time_it_is_armed) {
    const EventLoop loop = make_loop();
    int expired = 0;
    Timer timer(loop.get(), CLOCK_BOOTTIME, [&] { ++expired; }, 1ms);
    timer.disarm();
    EXPECT(!timer.is_armed(), "not armed yet");
    EXPECT(timer.arm_at(-1s).has_value() && timer.is_armed(), "a time in the past");
    EXPECT(run_until(loop, [&] { return expired == 1; }) && !timer.is_armed(), "at once");
    run_ready(loop);
    EXPECT(timer.arm_in(1h).has_value() && timer.arm_in(1ms).has_value(), "in place of an earlier time");
    EXPECT(run_until(loop, [&] { return expired == 2; }), "again");
    EXPECT(timer.arm_in(0s).has_value(), "armed");
    timer.disarm();
    run_ready(loop);
    EXPECT(expired == 2, "disarmed");
}

/// A daemon that has run out of descriptors must still enforce limits at their deadlines.
SESSLIMIT_TEST(timer_armed_without_free_descriptors) {
    const auto arm = [](const EventLoop& loop, clockid_t clock) {
        Timer timer(loop.get(), clock, [] {});
        return with_descriptors(0, [&] { return timer.arm_in(1s).has_value(); });
    };
    for (const clockid_t clock : {CLOCK_MONOTONIC, CLOCK_BOOTTIME}) {
        sd_event* raw = nullptr;
        (void)sd_event_new(&raw);
        const EventLoop bare(raw);
        EXPECT(!arm(bare, clock), "a loop without a descriptor for the clock reports an error");
        const EventLoop loop = make_loop();
        EXPECT(arm(loop, clock) && arm(loop, clock), "the loop has its descriptors");
    }
}

SESSLIMIT_TEST(errors_reported) {
    const EventLoop loop = make_loop();
    EXPECT(!watch_descriptor(loop.get(), -1, EPOLLIN, [](std::uint32_t) {}), "not a descriptor");
    EXPECT(!watch_signal(loop.get(), SIGUSR1, [] {}), "a signal that is not blocked");
    const bool made = with_descriptors(0, [] { return make_event_loop().has_value(); });
    EXPECT(!made, "out of descriptors");
}

} // namespace
