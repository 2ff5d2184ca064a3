// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// Pure functions that determine from the counters of TCP sockets when a session was last used. docs/activity.md
/// explains the method and contains the measurements.
///
/// Samples are far apart, so that most messages are only known by their number and their total size. The kernel also
/// reports the exact time of the last message in each direction. Traffic that a program sends by itself is periodic: if
/// its period is P, and n messages were sent between the last messages of two samples, these are n * P apart. The times
/// of a user who types are not. Each interval that fits a period is evidence, whose strength is the chance that a user
/// with a regular rhythm causes it. Traffic is background if this chance is low enough.
///
/// Evidence can arrive after the traffic. The time of the last use can therefore be earlier than the one that was
/// determined from fewer samples.
namespace sesslimit::core {

/// Origin of the sockets of a history.
enum class TrafficSource : std::uint8_t {
    /// Sockets that processes of the session have opened, for example for ssh -W and -L. Only payload that they send is
    /// use. Payload that they receive is output, and does not count, except for a bulk transfer.
    network,
    /// The ssh connection of a session that has a channel without a terminal. Payload in either direction is use.
    channel,
    /// The ssh connection of a session that has only channels with terminals. Only payload that it receives is use,
    /// such as keys. Payload that it sends is output of the terminals.
    keys,
};

/// Counters of a TCP socket at one activity probe. They count payload since the connection was established, without
/// retransmissions (tcpi_bytes_sent - tcpi_bytes_retrans, tcpi_data_segs_out - tcpi_total_retrans, tcpi_bytes_received
/// and tcpi_data_segs_in in linux/tcp.h).
struct SocketSample {
    /// Socket cookie, by which the kernel identifies the socket.
    std::uint64_t cookie = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    /// Number of segments. ssh sends each packet in a segment of its own, unless several packets are ready at once.
    std::uint64_t segments_in = 0;
    std::uint64_t segments_out = 0;
    /// Time of the last payload in each direction (tcpi_last_data_recv, tcpi_last_data_sent). Not meaningful if the
    /// direction did not have payload.
    BootTime last_in{};
    BootTime last_out{};
    /// True if the peer does not acknowledge data. The payload of such a socket is not use.
    bool is_dead = false;
    bool operator==(const SocketSample&) const = default;
};

/// Returns the increase of a counter between two samples. Returns 0 if the counter is smaller than before, because the
/// kernel counts segments modulo 2^32.
constexpr std::uint64_t increase(std::uint64_t before, std::uint64_t after) noexcept {
    return after > before ? after - before : 0;
}

/// Payload of a socket between two samples. Steps without counted payload are not stored.
struct TrafficStep {
    /// Time of the earlier sample.
    BootTime begin{};
    /// Time of the last counted message. A network socket counts sent messages, and a channel received ones.
    BootTime last{};
    /// Time of the last message whose payload is use.
    BootTime last_use{};
    /// Number and total size of the counted messages, and of the messages in the other direction. 0 if `is_use`.
    std::uint32_t messages = 0;
    std::uint32_t bytes = 0;
    std::uint32_t other_messages = 0;
    std::uint32_t other_bytes = 0;
    /// True if the step cannot be background, because of its size or its rate.
    bool is_use = false;
    bool operator==(const TrafficStep&) const = default;
};

/// Recent traffic of one socket.
struct SocketHistory {
    /// Counters of the last sample.
    SocketSample counters;
    /// Maximum payload that was received since the last sent message, in bytes.
    std::uint64_t received = 0;
    /// Number and total size of the messages that were received since the last step (TrafficStep::other_messages). Only
    /// for TrafficSource::network: both directions of background may have different phases, so that a sample may
    /// contain a message in one of them only.
    std::uint32_t unpaired_messages = 0;
    std::uint32_t unpaired_bytes = 0;
    /// Last use in steps that are no longer stored; 0: none.
    BootTime settled{};
    /// True if the last step that was removed was background.
    bool is_background_older = false;
    /// At most TrafficHistory::max_steps, oldest first.
    std::vector<TrafficStep> steps;
    bool operator==(const SocketHistory&) const = default;
};

/// Recent traffic of the sockets of one session and source.
struct TrafficHistory {
    static constexpr std::size_t max_sockets = 8;
    static constexpr std::size_t max_steps = 24;
    /// Size of a message in bytes from which it is not background traffic. The keepalives of OpenSSH have 28 to 112
    /// bytes, depending on cipher and MAC.
    static constexpr std::uint64_t max_size = 120;
    /// Minimum period of background traffic.
    static constexpr Duration min_period = std::chrono::seconds(1);
    /// Amount of payload in one direction, in bytes per second, that is a bulk transfer.
    static constexpr std::uint64_t bulk_rate = 10'000;

    /// Time of the last sample; 0: none yet.
    BootTime sampled{};
    /// Last use of sockets that are no longer tracked; 0: none.
    BootTime other_use{};
    /// Sockets that had counted payload, at most max_sockets.
    std::vector<SocketHistory> sockets;
    bool operator==(const TrafficHistory&) const = default;
};

/// Result of judge(). Times are 0 if the traffic shows no use.
struct TrafficUse {
    /// Time of the last use. Never later than the last sample.
    BootTime last{};
    /// Earliest time that later samples can still show to be the last use. Never later than `last`.
    BootTime earliest{};
    /// Sources of the last use and of the earliest one.
    TrafficSource source = TrafficSource::network;
    TrafficSource earliest_source = TrafficSource::network;
    bool operator==(const TrafficUse&) const = default;
};

/// Returns the history with a further sample. `sockets` are all sockets of the session, in any order. `now` is the time
/// of the sample. A sample less than a second after the previous one is ignored, because its rates are not meaningful.
///
/// If more than TrafficHistory::max_sockets sockets have payload, the ones with the oldest payload are no longer
/// tracked. All further payload of a socket that is not tracked is use, until it is tracked again.
TrafficHistory with_sample(TrafficHistory history, TrafficSource source, std::span<const SocketSample> sockets,
                           BootTime now);

/// Returns the last use of the session's sockets.
TrafficUse judge(const TrafficHistory& history, TrafficSource source);

} // namespace sesslimit::core
