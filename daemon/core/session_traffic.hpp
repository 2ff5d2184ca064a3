// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/activity_sample.hpp"
#include "daemon/core/traffic.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sesslimit::core {

/// Payload that the processes of a session have exchanged over their sockets since the first sample. It separates the
/// data that an ssh connection carries for forwarded sockets from its other data.
struct ForwardedPayload {
    /// Maximum number of sockets whose payload can be told apart from the other data of the connection.
    static constexpr std::size_t max_sockets = 64;

    /// Messages of the ssh connection in one direction, compared with those of the sockets.
    struct Balance {
        /// Number of messages of the connection, minus the number of messages of the sockets. It decreases if one
        /// message of the connection carries several messages.
        std::int64_t more = 0;
        /// Maximum of `more` so far. A message counts as data of the connection itself only if it exceeds the maximum,
        /// because the last sample may have been between a message and its forwarding.
        std::int64_t most = 0;
        bool operator==(const Balance&) const = default;
    };

    /// Counters of the sockets at the last sample.
    std::vector<SocketSample> sockets;
    /// Counters of the connection at the last sample.
    SocketSample connection;
    Balance in;
    Balance out;
    bool operator==(const ForwardedPayload&) const = default;
};

/// Traffic of one session: the sockets of its processes, and its ssh connection. Not stored in the ledger file.
struct SessionTraffic {
    /// Time of the last sample, even if it did not contain any connection; 0: none yet.
    BootTime sampled{};
    /// Sockets of the processes of the session (ActivitySample::sockets).
    TrafficHistory sockets;
    /// The ssh connection, without the data that it carries for these sockets. The counters in it are those since the
    /// first sample.
    TrafficHistory connection;
    SocketSample own;
    ForwardedPayload forwarded;
    /// True if a process of the session had a socket at the last sample.
    bool has_sockets = false;
    /// ActivitySample::has_channel of the last sample.
    bool has_channel = false;
    /// Latest activity by data on the connections that are taken into account. It moves back when further samples show
    /// that the data was background traffic.
    TrafficUse use;
    /// Maximum time between two samples, because a login at the limit may displace the session by its activity;
    /// unlimited_duration: only the idle limit requires samples; absent: data on connections is not use of the session.
    std::optional<Duration> sampling;
    /// True if the last sample was not used because data was in flight (is_in_flight()).
    bool was_in_flight = false;
    bool operator==(const SessionTraffic&) const = default;
};

/// Returns true if data may have been in flight at the time `now` of the sample: sshd had received it, but not
/// forwarded it between the connection and a socket. The counters of both then do not belong together, and a forwarded
/// keepalive would look like a key. Returns false if this already applied to the sample before, because data can flow
/// all the time.
bool is_in_flight(const SessionTraffic& traffic, const TrafficSample& sample, BootTime now);

/// Returns the traffic with a further sample. `now` is the time of the sample.
SessionTraffic with_sample(SessionTraffic traffic, const ActivitySample& sample, BootTime now);

/// Returns the last use of the session by data on its ssh connection. If the session has a channel without a terminal,
/// data in either direction is use. Otherwise only data that the client sends is use, such as a key.
TrafficUse use_of_connection(const SessionTraffic& traffic);

} // namespace sesslimit::core
