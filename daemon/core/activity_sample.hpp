// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"

#include <cstdint>
#include <optional>

namespace sesslimit::core {

/// Traffic of one TCP connection since the connection was established. The values are counters of the kernel (struct
/// tcp_info, linux/tcp.h).
struct Traffic {
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    /// Number of received segments that contained data.
    std::uint64_t segments_in = 0;
    /// Number of sent segments that contained data.
    std::uint64_t segments_out = 0;
    /// Socket cookie, by which the kernel identifies the TCP connection; 0: the connection of the session was not
    /// found.
    std::uint64_t cookie = 0;
    bool operator==(const Traffic&) const = default;
};

/// Raw values from one activity probe, which is an inspection of a session for signs of use. The functions in
/// activity.hpp interpret the values. An optional value is absent if it does not exist or could not be determined.
struct ActivitySample {
    /// Wall clock minus CLOCK_BOOTTIME at the time of the activity probe.
    Duration wall_offset{};
    /// Wall clock time of the latest input on a terminal of the session. Absent if the session does not have a
    /// terminal.
    std::optional<Duration> input;
    /// Wall clock time of the latest output on a terminal of the session, including notices of the daemon.
    std::optional<Duration> output;
    /// Traffic of the session's ssh connection.
    std::optional<Traffic> traffic;
    /// Time since the latest data on the ssh connection, including keepalives. Only set if `traffic` is present.
    Duration since_data{};
    /// Total CPU time of the session's processes.
    std::optional<Duration> processor_time;
    /// True if a process of the session has a UDP socket. Only determined for sessions that are left behind.
    std::optional<bool> has_udp_socket;
    /// Time since logind set the IdleHint of a graphical session. 0 if the hint is not set.
    std::optional<Duration> hint;
    bool operator==(const ActivitySample&) const = default;
};

/// Values from the last activity probe of a session, stored for comparison with the next probe.
struct LastSample {
    /// Time of the activity probe; 0: the session has not been probed yet.
    BootTime at{};
    /// Latest known time of input on a terminal of the session (ActivitySample::input); 0: not known yet.
    Duration input{};
    /// Latest known time of output on a terminal of the session (ActivitySample::output); 0: not known yet.
    Duration output{};
    /// ActivitySample::wall_offset of the last probe. A different offset at the next probe means that the wall clock
    /// was set.
    Duration wall_offset{};
    Duration processor_time{};
    Traffic traffic;
    bool operator==(const LastSample&) const = default;
};

/// Presence of a terminal in a session. The numeric values are stored in the ledger file.
enum class Terminal : std::uint8_t {
    /// It is not known yet whether the session has a terminal. sshd allocates a terminal after PAM has opened the
    /// session.
    unknown = 0,
    none = 1,
    some = 2,
};

} // namespace sesslimit::core
