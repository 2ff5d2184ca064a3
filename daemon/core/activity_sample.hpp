// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"

#include <cstdint>
#include <optional>

namespace sesslimit::core {

/// Traffic of one TCP connection since it was established, from the kernel's counters (struct tcp_info, linux/tcp.h).
struct Traffic {
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t segments_in = 0;  ///< segments with data only
    std::uint64_t segments_out = 0; ///< segments with data only
    std::uint64_t cookie = 0;       ///< identifier of the connection; 0: no connection was found
    bool operator==(const Traffic&) const = default;
};

/// Raw result of one activity probe of a session. The functions in activity.hpp interpret the result. A value is absent
/// if it does not exist or could not be determined.
struct ActivitySample {
    Duration wall_offset{};                 ///< wall clock minus boottime, at the probe
    std::optional<Duration> input;          ///< wall clock time of the latest terminal input; absent: no terminal
    std::optional<Duration> output;         ///< wall clock time of the latest output, including the daemon's notices
    std::optional<Traffic> traffic;         ///< traffic of the session's ssh connection
    Duration since_data{};                  ///< age of the latest data, including keepalives; only set with `traffic`
    std::optional<Duration> processor_time; ///< total CPU time of the session's processes
    std::optional<Duration> hint;           ///< time since logind set IdleHint, for graphical sessions; 0: not idle
    bool operator==(const ActivitySample&) const = default;
};

/// Last sample of a session, for comparison with the next sample.
struct LastSample {
    BootTime at{};          ///< time of the probe; 0: no probe yet
    Duration input{};       ///< ActivitySample::input; 0: none yet
    Duration output{};      ///< ActivitySample::output; 0: none yet
    Duration wall_offset{}; ///< ActivitySample::wall_offset of this probe; another offset at a later probe means that
                            ///< the clock was set
    Duration processor_time{};
    Traffic traffic;
    bool operator==(const LastSample&) const = default;
};

/// Presence of a terminal in a session. The enumerators' values are stored in the ledger.
enum class Terminal : std::uint8_t {
    unknown = 0, ///< the session may still get a terminal, because sshd allocates terminals after the session is opened
    none = 1,
    some = 2,
};

} // namespace sesslimit::core
