// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>

namespace sesslimit {

/// A duration in microseconds, the unit of sd-event and logind.
using Duration = std::chrono::microseconds;

/// The duration that represents an absent limit. It is the longest possible duration, so that std::min of several
/// limits returns the strictest one.
inline constexpr Duration unlimited_duration = Duration::max();

/// A clock type for std::chrono that represents CLOCK_BOOTTIME (clock_gettime(2)). CLOCK_BOOTTIME advances during
/// suspend and is not affected by jumps of the wall clock. The type does not have the function now(), because code that
/// needs the current time receives it as an argument.
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

/// Returns `from + span`, or the latest possible time (`never`) if the sum would overflow. `span` must not be negative.
constexpr BootTime after(BootTime from, Duration span) noexcept {
    return span >= never - from ? never : from + span;
}

/// Returns the current time of CLOCK_BOOTTIME. Code that makes decisions must not call this function, but receives the
/// time as an argument.
BootTime boottime_now() noexcept;
Duration monotonic_now() noexcept; ///< Returns the time of CLOCK_MONOTONIC.
Duration realtime_now() noexcept;  ///< Returns the time of CLOCK_REALTIME.

/// Returns the current difference between CLOCK_REALTIME and CLOCK_BOOTTIME. The difference changes when the wall clock
/// is set.
Duration wall_offset() noexcept;

} // namespace sesslimit
