// SPDX-License-Identifier: MIT
#include "common/clock.hpp"

#include <ctime>

namespace sesslimit {
namespace {

Duration read(clockid_t clock) noexcept {
    timespec at{};
    // These three clocks always exist, so that clock_gettime cannot fail on them.
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

} // namespace sesslimit
