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

/// Expiry of a timer that is meant never to expire. The kernel accepts any time, and limits the expiry to the last time
/// of its clock, in the year 2262.
constexpr itimerspec at_the_end_of_time = {.it_interval = {},
                                           .it_value = {.tv_sec = std::numeric_limits<time_t>::max(), .tv_nsec = 0}};

} // namespace

Result<ClockMonitor> ClockMonitor::make(sd_event* loop, std::function<void()> set) {
    auto impl = std::make_unique<Impl>();
    impl->set = std::move(set);
    impl->timer.reset(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC));
    if (!impl->timer || timerfd_settime(impl->timer.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
                                        &at_the_end_of_time, nullptr) < 0) {
        return fail_errno("watch the wall clock");
    }
    sd_event_source* source = nullptr;
    int code = sd_event_add_io(loop, &source, impl->timer.get(), EPOLLIN, &ClockMonitor::on_set, impl.get());
    impl->source.reset(source);
    code = code < 0 ? code : sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IMPORTANT);
    if (code < 0) {
        return fail_errno("watch the wall clock", -code);
    }
    return ClockMonitor(std::move(impl));
}

int ClockMonitor::on_set(sd_event_source*, int fd, std::uint32_t, void* impl) {
    // After the wall clock was set, read() fails with ECANCELED. The call also arms the timer for the next change of
    // the clock.
    std::uint64_t rings = 0;
    (void)!read(fd, &rings, sizeof rings);
    static_cast<Impl*>(impl)->set();
    return 0;
}

} // namespace sesslimit::monitor
