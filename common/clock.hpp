// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>

namespace sesslimit {

/// A duration in microseconds, the unit of sd-event and logind.
using Duration = std::chrono::microseconds;

/// The span of an absent limit. It is the longest of all spans, so that std::min selects the strictest value.
inline constexpr Duration unlimited_duration = Duration::max();

/// CLOCK_BOOTTIME (clock_gettime(2)). It advances during suspend and is not affected by jumps of the wall clock. The
/// type has no now(), because functions receive the time as an argument. Only the outermost parts of the program read a
/// clock.
struct BootClock {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<BootClock>;
    static constexpr bool is_steady = true;
};
using BootTime = BootClock::time_point;

/// A deadline that never expires.
inline constexpr BootTime never = BootTime::max();

/// Returns `from + span`, or `never` if the sum would overflow. `span` must not be negative.
constexpr BootTime after(BootTime from, Duration span) noexcept {
    return span >= never - from ? never : from + span;
}

/// Read the clocks. Only the outermost parts of the program call these functions.
BootTime boottime_now() noexcept;
Duration monotonic_now() noexcept; ///< CLOCK_MONOTONIC since boot, without suspend
Duration realtime_now() noexcept;  ///< CLOCK_REALTIME since the epoch

} // namespace sesslimit
