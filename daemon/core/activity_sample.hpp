// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/traffic.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace sesslimit::core {

/// Counters of the connections of a session. An optional value is absent if it does not exist or could not be
/// determined.
struct TrafficSample {
    /// Counters of the session's ssh connection.
    std::optional<SocketSample> connection;
    /// Counters of the TCP sockets that the processes of the session have opened, without the ssh connection.
    std::optional<std::vector<SocketSample>> sockets;
    bool operator==(const TrafficSample&) const = default;
};

/// Raw values from one activity probe, which is an inspection of a session for signs of use. The functions in
/// activity.hpp interpret the values. An optional value is absent if it does not exist or could not be determined.
struct ActivitySample : TrafficSample {
    /// Wall clock minus CLOCK_BOOTTIME at the time of the activity probe.
    Duration wall_offset{};
    /// Wall clock time of the latest input on a terminal of the session. Absent if the session does not have a
    /// terminal.
    std::optional<Duration> input;
    /// Wall clock time of the latest output on a terminal of the session, including notices of the daemon.
    std::optional<Duration> output;
    /// True if the ssh connection has a channel without a terminal, such as that of a command or a file transfer.
    bool has_channel = false;
    /// Total CPU time of the session's processes.
    std::optional<Duration> processor_time;
    /// True if a process of the session has a UDP socket. Only determined for sessions that are left behind.
    std::optional<bool> has_udp_socket;
    /// Time since logind set the IdleHint of a graphical session. 0 if the hint is not set.
    std::optional<Duration> hint;
    bool operator==(const ActivitySample&) const = default;
};

/// Source of activity (activity.hpp).
enum class Source : std::uint8_t {
    /// The login itself, or activity that is assumed because it is unclear whether the session was used.
    none,
    input,
    network,
    channel,
    output,
    processor,
    hint,
};

/// Sources that apply to a session.
struct Sources {
    bool input = false;
    bool network = false;
    bool channel = false;
    bool output = false;
    bool processor = false;
    bool hint = false;
    /// True if keys that no program reads are input, too. They are found on the ssh connection.
    bool unread_keys = false;
    bool operator==(const Sources&) const = default;
};

/// Time of an activity, and the source that showed it.
struct Use {
    BootTime at{};
    Source source = Source::none;
    bool operator==(const Use&) const = default;
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
    /// Total CPU time of the session's processes at the time `processor_at`.
    Duration processor_time{};
    /// Time of the last probe whose CPU time was compared (is_processor_time_due() in deadline.hpp); 0: none. Not
    /// stored in the ledger file, which restores it from `at`.
    BootTime processor_at{};
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
