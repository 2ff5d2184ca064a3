// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>

namespace sesslimit {

/// A length of time. Microseconds, the unit of sd-event and logind.
using Duration = std::chrono::microseconds;

/// No limit. It orders as the longest of all spans, so that "the strictest wins" is std::min.
inline constexpr Duration unlimited_duration = Duration::max();

/// CLOCK_BOOTTIME (clock_gettime(2)): counts on through suspend and knows no jumps of the wall clock.
/// It has no now(): time is an argument, and only the edges read a clock.
struct BootClock {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<BootClock>;
    static constexpr bool is_steady = true;
};
using BootTime = BootClock::time_point;

/// No moment: a deadline that never comes.
inline constexpr BootTime never = BootTime::max();

/// `from + span`, and `never` where that would be beyond all time. `span` is not negative.
constexpr BootTime after(BootTime from, Duration span) noexcept {
    return span >= never - from ? never : from + span;
}

/// The clocks, for the edges of the program.
BootTime boottime_now() noexcept;
Duration monotonic_now() noexcept; ///< CLOCK_MONOTONIC since boot, without suspend
Duration realtime_now() noexcept;  ///< CLOCK_REALTIME since the epoch

} // namespace sesslimit
