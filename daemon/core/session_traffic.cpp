// SPDX-License-Identifier: MIT
#include "daemon/core/session_traffic.hpp"

#include "daemon/core/ssh_packet.hpp"

#include <algorithm>
#include <span>
#include <vector>

namespace sesslimit::core {
namespace {

/// Number of messages by which a sample of the connection can differ from a sample of the sockets, because messages are
/// forwarded between the two.
constexpr std::int64_t in_flight = 2;

TrafficSource source_of(const SessionTraffic& traffic) {
    return traffic.has_channel ? TrafficSource::channel : TrafficSource::keys;
}

/// Messages of one socket in one direction since the last sample.
struct Messages {
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;
};

/// Messages that the sockets of the session have exchanged since the last sample.
struct Forwarded {
    std::int64_t in = 0;
    std::int64_t out = 0;
    std::uint64_t bytes_out = 0;
    /// The same for each socket.
    std::vector<Messages> each_in;
    std::vector<Messages> each_out;

    [[nodiscard]] bool is_any() const { return in != 0 || out != 0; }
};

Messages messages(std::uint64_t number, std::uint64_t number_before, std::uint64_t bytes, std::uint64_t bytes_before) {
    return {.number = number - number_before, .bytes = bytes - bytes_before};
}

Forwarded forwarded_since(const ForwardedPayload& before, std::span<const SocketSample> sockets) {
    Forwarded forwarded;
    for (const SocketSample& socket : sockets) {
        const auto found = std::ranges::find(before.sockets, socket.cookie, &SocketSample::cookie);
        const SocketSample earlier = found == before.sockets.end() ? SocketSample{} : *found;
        forwarded.in += static_cast<std::int64_t>(socket.segments_in - earlier.segments_in);
        forwarded.out += static_cast<std::int64_t>(socket.segments_out - earlier.segments_out);
        forwarded.bytes_out += socket.bytes_out - earlier.bytes_out;
        forwarded.each_in.push_back(
            messages(socket.segments_in, earlier.segments_in, socket.bytes_in, earlier.bytes_in));
        forwarded.each_out.push_back(
            messages(socket.segments_out, earlier.segments_out, socket.bytes_out, earlier.bytes_out));
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

/// Returns true if `messages` with a total of `bytes` can be keepalives or answers to them.
bool are_keepalives(std::uint64_t messages, std::uint64_t bytes) {
    return messages == 0 || (bytes % messages == 0 && ssh_packet::is_keepalive(bytes / messages));
}

/// Returns true if a connection that only carries forwarded data has carried data of sockets that were opened and
/// closed since the last sample, and are therefore not among the sockets.
bool carries_short_connections(const SocketSample& before, const SocketSample& after, const Forwarded& by_sockets) {
    const std::uint64_t in = after.segments_in - before.segments_in;
    const std::uint64_t bytes_in = after.bytes_in - before.bytes_in;
    if (by_sockets.is_any()) {
        // A packet is at most max_size longer than the data in it, and a keepalive is not larger than that.
        return bytes_in > by_sockets.bytes_out + TrafficHistory::max_size * in;
    }
    // The client sends at least three messages for each connection, which open a channel, contain data and close it.
    return in > in_flight && !(are_keepalives(in, bytes_in) && are_keepalives(after.segments_out - before.segments_out,
                                                                              after.bytes_out - before.bytes_out));
}

/// Returns the messages of the connection in one direction, without those that contain the data of the sockets. The
/// messages of a socket are assumed to have equal sizes, as those of background traffic have.
Messages without_forwarded(Messages all, const std::vector<Messages>& sockets, const ssh_packet::PacketFormat& format) {
    for (const Messages& socket : sockets) {
        if (socket.number > 0) {
            const std::uint64_t data = std::min(socket.bytes / socket.number, TrafficHistory::max_size);
            all.number -= socket.number;
            all.bytes -= socket.number * format.size(ssh_packet::data_header + static_cast<std::uint32_t>(data));
        }
    }
    return all;
}

/// Returns true if the connection has carried only the data of the sockets and keepalives since the last sample. Each
/// packet format is tried. Returns false for a compressed connection.
bool is_rest_keepalives(const SocketSample& before, const SocketSample& after, const Forwarded& by_sockets) {
    const Messages in = messages(after.segments_in, before.segments_in, after.bytes_in, before.bytes_in);
    const Messages out = messages(after.segments_out, before.segments_out, after.bytes_out, before.bytes_out);
    return std::ranges::any_of(ssh_packet::formats, [&](const ssh_packet::PacketFormat& format) {
        const Messages own_in = without_forwarded(in, by_sockets.each_out, format);
        const Messages own_out = without_forwarded(out, by_sockets.each_in, format);
        const auto fits = [&](std::uint32_t payload_in, std::uint32_t payload_out) {
            return own_in.bytes == own_in.number * format.size(payload_in) &&
                   own_out.bytes == own_out.number * format.size(payload_out);
        };
        return own_in.number == own_out.number &&
               std::ranges::any_of(ssh_packet::keepalive_payloads, [&](const auto& payloads) {
                   return fits(payloads.first, payloads.second) || fits(payloads.second, payloads.first);
               });
    });
}

/// Adds to `own` the data that the connection has carried since the last sample, except for that of the sockets.
void add_own(SocketSample& own, ForwardedPayload& forwarded, const SocketSample& connection,
             const Forwarded& by_sockets) {
    const SocketSample& before = forwarded.connection;
    const auto in = static_cast<std::int64_t>(connection.segments_in - before.segments_in);
    const auto out = static_cast<std::int64_t>(connection.segments_out - before.segments_out);
    const bool forwards = by_sockets.is_any();
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
        const Forwarded by_sockets = can_tell ? forwarded_since(forwarded, *sample.sockets) : Forwarded{};
        const bool only_forwards = !sample.has_channel && !sample.input && sample.sockets;
        const bool is_own =
            only_forwards ? carries_short_connections(forwarded.connection, connection, by_sockets)
                          : !by_sockets.is_any() || !is_rest_keepalives(forwarded.connection, connection, by_sockets);
        if (is_own) {
            add_own(traffic.own, forwarded, connection, by_sockets);
        }
        traffic.own.is_dead = connection.is_dead;
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
