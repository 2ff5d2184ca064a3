// SPDX-License-Identifier: MIT
#include "common/clock.hpp"

#include <ctime>

namespace sesslimit {
namespace {

Span read(clockid_t clock) noexcept {
    timespec at{};
    // These three clocks always exist; clock_gettime has no way to fail on them.
    (void)clock_gettime(clock, &at);
    return std::chrono::duration_cast<Span>(std::chrono::seconds(at.tv_sec) + std::chrono::nanoseconds(at.tv_nsec));
}

} // namespace

Boottime boottime_now() noexcept {
    return Boottime(read(CLOCK_BOOTTIME));
}

Span monotonic_now() noexcept {
    return read(CLOCK_MONOTONIC);
}

Span realtime_now() noexcept {
    return read(CLOCK_REALTIME);
}

} // namespace sesslimit
