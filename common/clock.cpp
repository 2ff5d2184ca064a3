// SPDX-License-Identifier: MIT
#include "common/clock.hpp"

namespace sesslimit {
namespace {

template <clockid_t Id>
KernelClock<Id>::time_point read() noexcept {
    timespec at{};
    // CLOCK_BOOTTIME, CLOCK_MONOTONIC and CLOCK_REALTIME always exist on Linux. Therefore clock_gettime(2) cannot fail
    // for these clocks.
    (void)clock_gettime(Id, &at);
    const auto since_zero = std::chrono::seconds(at.tv_sec) + std::chrono::nanoseconds(at.tv_nsec);
    return typename KernelClock<Id>::time_point(std::chrono::duration_cast<Duration>(since_zero));
}

} // namespace

BootTime boottime_now() noexcept {
    return read<CLOCK_BOOTTIME>();
}

MonotonicTime monotonic_now() noexcept {
    return read<CLOCK_MONOTONIC>();
}

WallTime wall_now() noexcept {
    return read<CLOCK_REALTIME>();
}

Duration wall_offset() noexcept {
    return wall_now().time_since_epoch() - boottime_now().time_since_epoch();
}

} // namespace sesslimit
