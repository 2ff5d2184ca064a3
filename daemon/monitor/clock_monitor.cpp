// SPDX-License-Identifier: MIT
#include "daemon/monitor/clock_monitor.hpp"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cstdint>
#include <limits>
#include <utility>

namespace sesslimit::monitor {
namespace {

/// Expiry time of a timer that must never expire. The kernel accepts any time, and limits the time to the last time of
/// its clock, in the year 2262.
constexpr itimerspec at_the_end_of_time = {.it_interval = {},
                                           .it_value = {.tv_sec = std::numeric_limits<time_t>::max(), .tv_nsec = 0}};

} // namespace

Result<ClockMonitor> ClockMonitor::make(sd_event* loop, core::EventSink& events) {
    UniqueFd timer(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC));
    if (!timer ||
        timerfd_settime(timer.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at_the_end_of_time, nullptr) < 0) {
        return fail_errno("watch the wall clock");
    }
    auto source = watch_descriptor(loop, timer.get(), EPOLLIN, [fd = timer.get(), &events](std::uint32_t) {
        // Reading a canceled timer fails with ECANCELED. The read also arms the timer for the next change of the clock.
        std::uint64_t expirations = 0;
        (void)!read(fd, &expirations, sizeof expirations);
        events.handle(core::ClockChanged{});
    });
    if (!source) {
        return std::unexpected(source.error());
    }
    if (const int code = sd_event_source_set_priority(source->get(), SD_EVENT_PRIORITY_IMPORTANT); code < 0) {
        return fail_errno("watch the wall clock", -code);
    }
    return ClockMonitor(std::move(timer), *std::move(source));
}

} // namespace sesslimit::monitor
