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
    std::uint64_t cookie = 0;       ///< differs between connections of the same endpoints; 0: no connection was found
    bool operator==(const Traffic&) const = default;
};

/// Activity sample: the raw result of one probe of a session. activity.hpp interprets it. An absent value does not
/// exist or could not be determined.
struct ActivitySample {
    Duration wall_offset{};         ///< wall clock minus boottime, at the probe
    std::optional<Duration> input;  ///< wall clock time of the latest input on its terminals; absent: no terminal
    std::optional<Duration> output; ///< the same for output, including the daemon's notices
    std::optional<Traffic> traffic; ///< of its ssh connection
    Duration since_data{};          ///< only with `traffic`: age of the latest data, including keepalives
    std::optional<Duration> processor_time; ///< total CPU time of its processes
    std::optional<Duration> hint;           ///< graphical sessions: time since logind's IdleHint was set; 0: not idle
    bool operator==(const ActivitySample&) const = default;
};

/// Last sample of a session, which the next one is compared with.
struct LastSample {
    BootTime at{};          ///< time of the probe; 0: no probe yet
    Duration input{};       ///< ActivitySample::input; 0: none yet
    Duration output{};      ///< ActivitySample::output; 0: none yet
    Duration wall_offset{}; ///< ActivitySample::wall_offset at the same probe; a later difference means that the clock
                            ///< was set
    Duration processor_time{};
    Traffic traffic;
    bool operator==(const LastSample&) const = default;
};

/// Whether a session has a terminal. The values are stored in the ledger.
enum class Terminal : std::uint8_t {
    unknown = 0, ///< it may still get one, because sshd allocates it after the session is opened
    none = 1,
    some = 2,
};

} // namespace sesslimit::core
