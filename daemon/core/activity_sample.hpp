// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"

#include <cstdint>
#include <optional>

namespace sesslimit::core {

/// What one TCP connection has carried since it was made, by the kernel's counters (struct tcp_info, linux/tcp.h).
struct Traffic {
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t segments_in = 0;  ///< that held data
    std::uint64_t segments_out = 0; ///< the same
    std::uint64_t cookie = 0;       ///< another connection between the same ends has another one; 0: none was seen
    bool operator==(const Traffic&) const = default;
};

/// What one look at a session shows: raw, and not yet what it means (activity.hpp). Absent: there is no such thing, or
/// nobody could tell.
struct ActivitySample {
    Duration wall_offset{};         ///< wall clock less boottime, now
    std::optional<Duration> input;  ///< wall clock of the youngest input on its terminals; absent: it has no terminal
    std::optional<Duration> output; ///< the same of output, our own included
    std::optional<Traffic> traffic; ///< on its ssh connection
    Duration since_data{};          ///< with `traffic`: age of the youngest data, keepalives included
    std::optional<Duration> processor_time; ///< CPU time that all of it has used
    std::optional<Duration>
        hint; ///< graphical: for how long logind's IdleHint says that nobody is there; 0: somebody is
    bool operator==(const ActivitySample&) const = default;
};

/// The last look at a session, which the next one is held against.
struct LastSample {
    BootTime at{};          ///< 0: there was none
    Duration input{};       ///< ActivitySample::input; 0: none was seen
    Duration output{};      ///< ActivitySample::output; 0: none was seen
    Duration wall_offset{}; ///< as input and output were read; another one later means that somebody set the clock
    Duration processor_time{};
    Traffic traffic;
    bool operator==(const LastSample&) const = default;
};

/// Whether a session has a terminal. The numbers stand in the ledger.
enum class Terminal : std::uint8_t {
    unknown = 0, ///< it may still get one: sshd makes it after the session was opened
    none = 1,
    some = 2,
};

} // namespace sesslimit::core
