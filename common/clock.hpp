// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <ctime>

namespace sesslimit {

/// A duration in microseconds, the unit of sd-event and logind.
using Duration = std::chrono::microseconds;

/// The duration that represents an absent limit. It is the longest possible duration, so that std::min of several
/// limits returns the strictest one.
inline constexpr Duration unlimited_duration = Duration::max();

/// A clock type for std::chrono that represents a clock of the kernel (clock_gettime(2)). Times of different clocks
/// have different types, so that they cannot be compared. The type does not have the function now(), because code that
/// needs the current time receives it as an argument.
template <clockid_t Id>
struct KernelClock {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<KernelClock>;
    static constexpr bool is_steady = Id != CLOCK_REALTIME;
};

/// Time of CLOCK_BOOTTIME, which advances during suspend and is not affected by jumps of the wall clock.
using BootTime = KernelClock<CLOCK_BOOTTIME>::time_point;
/// Time of CLOCK_MONOTONIC, which does not advance during suspend.
using MonotonicTime = KernelClock<CLOCK_MONOTONIC>::time_point;
/// Time of CLOCK_REALTIME, the wall clock, since the Epoch.
using WallTime = KernelClock<CLOCK_REALTIME>::time_point;

/// A deadline that never expires.
inline constexpr BootTime never = BootTime::max();

/// Returns `from + span`, or the latest possible time (`never`) if the sum would overflow. `span` must not be negative.
constexpr BootTime after(BootTime from, Duration span) noexcept {
    return span >= never - from ? never : from + span;
}

/// Returns the current time of CLOCK_BOOTTIME. Code that makes decisions must not call this function, but receives the
/// time as an argument.
BootTime boottime_now() noexcept;
MonotonicTime monotonic_now() noexcept; ///< Returns the current time of CLOCK_MONOTONIC.
WallTime wall_now() noexcept;           ///< Returns the current time of CLOCK_REALTIME.

/// Returns the current difference between CLOCK_REALTIME and CLOCK_BOOTTIME. The difference changes when the wall clock
/// is set.
Duration wall_offset() noexcept;

} // namespace sesslimit
