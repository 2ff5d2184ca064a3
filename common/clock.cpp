// SPDX-License-Identifier: MIT
#include "common/clock.hpp"

#include <ctime>

namespace sesslimit {
namespace {

Duration read(clockid_t clock) noexcept {
    timespec at{};
    // CLOCK_BOOTTIME, CLOCK_MONOTONIC and CLOCK_REALTIME always exist on Linux. Therefore clock_gettime(2) cannot fail
    // for these clocks.
    (void)clock_gettime(clock, &at);
    return std::chrono::duration_cast<Duration>(std::chrono::seconds(at.tv_sec) + std::chrono::nanoseconds(at.tv_nsec));
}

} // namespace

BootTime boottime_now() noexcept {
    return BootTime(read(CLOCK_BOOTTIME));
}

Duration monotonic_now() noexcept {
    return read(CLOCK_MONOTONIC);
}

Duration realtime_now() noexcept {
    return read(CLOCK_REALTIME);
}

Duration wall_offset() noexcept {
    return realtime_now() - boottime_now().time_since_epoch();
}

} // namespace sesslimit
