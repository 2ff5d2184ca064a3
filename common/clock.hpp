// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>

namespace sesslimit {

/// A length of time. Microseconds, the unit of sd-event and logind.
using Span = std::chrono::microseconds;

/// No limit. It orders as the longest of all spans, so that "the strictest wins" is std::min.
inline constexpr Span unlimited_span = Span::max();

/// CLOCK_BOOTTIME (clock_gettime(2)): counts on through suspend and knows no jumps of the wall clock.
/// It has no now(): time is an argument, and only the edges read a clock.
struct BootClock {
    using duration = Span;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<BootClock>;
    static constexpr bool is_steady = true;
};
using Boottime = BootClock::time_point;

/// No moment: a deadline that never comes.
inline constexpr Boottime never = Boottime::max();

/// `from + span`, and `never` where that would be beyond all time. `span` is not negative.
constexpr Boottime after(Boottime from, Span span) noexcept {
    return span >= never - from ? never : from + span;
}

/// The clocks, for the edges of the program.
Boottime boottime_now() noexcept;
Span monotonic_now() noexcept; ///< CLOCK_MONOTONIC since boot, without suspend
Span realtime_now() noexcept;  ///< CLOCK_REALTIME since the epoch

} // namespace sesslimit
