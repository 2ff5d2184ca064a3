// SPDX-License-Identifier: MIT
#include "daemon/core/session_traffic.hpp"

#include <algorithm>
#include <span>

namespace sesslimit::core {
namespace {

/// Number of messages by which a sample of the connection can differ from a sample of the sockets, because messages are
/// forwarded between the two.
constexpr std::int64_t in_flight = 2;

TrafficSource source_of(const SessionTraffic& traffic) {
    return traffic.has_channel ? TrafficSource::channel : TrafficSource::keys;
}

/// Number of messages that the sockets of the session have exchanged since the last sample.
struct Forwarded {
    std::int64_t in = 0;
    std::int64_t out = 0;
};

Forwarded forwarded_since(const ForwardedPayload& before, std::span<const SocketSample> sockets) {
    Forwarded forwarded;
    for (const SocketSample& socket : sockets) {
        const auto found = std::ranges::find(before.sockets, socket.cookie, &SocketSample::cookie);
        const SocketSample earlier = found == before.sockets.end() ? SocketSample{} : *found;
        forwarded.in += static_cast<std::int64_t>(socket.segments_in - earlier.segments_in);
        forwarded.out += static_cast<std::int64_t>(socket.segments_out - earlier.segments_out);
    }
    return forwarded;
}

/// Adds `messages` of the connection and `forwarded` messages of the sockets. Returns the number of messages that are
/// data of the connection itself.
std::int64_t add(ForwardedPayload::Balance& balance, std::int64_t messages, std::int64_t forwarded) {
    balance.more += messages - forwarded;
    const std::int64_t own = std::max<std::int64_t>(0, balance.more - balance.most);
    balance.most = std::min(std::max(balance.most, balance.more), balance.more + in_flight);
    return own;
}

/// Adds to `own` the data that the connection has carried since the last sample, except for that of the sockets.
void add_own(SocketSample& own, ForwardedPayload& forwarded, const SocketSample& connection,
             const Forwarded& by_sockets) {
    const SocketSample& before = forwarded.connection;
    const auto in = static_cast<std::int64_t>(connection.segments_in - before.segments_in);
    const auto out = static_cast<std::int64_t>(connection.segments_out - before.segments_out);
    const bool forwards = by_sockets.in != 0 || by_sockets.out != 0;
    // The client sends what a socket sends, and receives what a socket receives.
    const std::int64_t own_in = forwards ? add(forwarded.in, in, by_sockets.out) : in;
    const std::int64_t own_out = forwards ? add(forwarded.out, out, by_sockets.in) : out;
    // The size of a message cannot be told from that of the forwarded ones, so it counts as a large one.
    constexpr std::uint64_t large = TrafficHistory::max_size + 1;
    own.segments_in += static_cast<std::uint64_t>(own_in);
    own.segments_out += static_cast<std::uint64_t>(own_out);
    own.bytes_in += forwards ? large * static_cast<std::uint64_t>(own_in) : connection.bytes_in - before.bytes_in;
    own.bytes_out += forwards ? large * static_cast<std::uint64_t>(own_out) : connection.bytes_out - before.bytes_out;
    own.last_in = own_in > 0 ? connection.last_in : own.last_in;
    own.last_out = own_out > 0 ? connection.last_out : own.last_out;
    own.is_dead = connection.is_dead;
}

void add_connection(SessionTraffic& traffic, const ActivitySample& sample, BootTime now) {
    const SocketSample& connection = *sample.connection;
    ForwardedPayload& forwarded = traffic.forwarded;
    if (connection.cookie != forwarded.connection.cookie || sample.has_channel != traffic.has_channel) {
        // Without an earlier sample, all data so far counts as use.
        traffic.connection = {};
        traffic.own = connection;
        forwarded.in = forwarded.out = {};
        traffic.has_channel = sample.has_channel;
    } else {
        const bool can_tell = sample.sockets && sample.sockets->size() <= ForwardedPayload::max_sockets;
        add_own(traffic.own, forwarded, connection,
                can_tell ? forwarded_since(forwarded, *sample.sockets) : Forwarded{});
    }
    traffic.connection =
        with_sample(std::move(traffic.connection), source_of(traffic), std::span(&traffic.own, 1), now);
    forwarded.connection = connection;
}

} // namespace

SessionTraffic with_sample(SessionTraffic traffic, const ActivitySample& sample, BootTime now) {
    const BootTime last = std::max(traffic.connection.sampled, traffic.sockets.sampled);
    if (last != BootTime{} && now - last < TrafficHistory::min_period) {
        return traffic;
    }
    traffic.has_sockets = sample.sockets && !sample.sockets->empty();
    if (sample.connection) {
        add_connection(traffic, sample, now);
    }
    if (sample.sockets) {
        traffic.sockets = with_sample(std::move(traffic.sockets), TrafficSource::network, *sample.sockets, now);
        traffic.forwarded.sockets = *sample.sockets;
        if (traffic.forwarded.sockets.size() > ForwardedPayload::max_sockets) {
            traffic.forwarded.sockets.clear();
        }
    }
    return traffic;
}

TrafficUse use_of_connection(const SessionTraffic& traffic) {
    return judge(traffic.connection, source_of(traffic));
}

} // namespace sesslimit::core
