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

/// Maximum time in which sshd forwards data on a busy host. It also covers the time between the samples of the
/// connection and of the sockets (SocketListReader::request()).
constexpr Duration forwarding_time = std::chrono::milliseconds(200);

TrafficSource source_of(const SessionTraffic& traffic) {
    return traffic.has_channel ? TrafficSource::channel : TrafficSource::keys;
}

/// Messages in one direction between two samples.
struct Messages {
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;
};

/// Messages of the connection or of a socket between two samples.
struct Carried {
    Messages in;
    Messages out;
};

Carried carried_since(const SocketSample& before, const SocketSample& after) {
    return {.in = {increase(before.segments_in, after.segments_in), increase(before.bytes_in, after.bytes_in)},
            .out = {increase(before.segments_out, after.segments_out), increase(before.bytes_out, after.bytes_out)}};
}

/// Returns the messages of each socket since the last sample.
std::vector<Carried> forwarded_since(const ForwardedPayload& before, std::span<const SocketSample> sockets) {
    std::vector<Carried> forwarded;
    for (const SocketSample& socket : sockets) {
        const auto found = std::ranges::find(before.sockets, socket.cookie, &SocketSample::cookie);
        forwarded.push_back(carried_since(found == before.sockets.end() ? SocketSample{} : *found, socket));
    }
    return forwarded;
}

Messages total(const std::vector<Carried>& sockets, Messages Carried::* direction) {
    Messages all;
    for (const Carried& socket : sockets) {
        all.number += (socket.*direction).number;
        all.bytes += (socket.*direction).bytes;
    }
    return all;
}

bool is_any(const std::vector<Carried>& sockets) {
    return std::ranges::any_of(sockets, [](const Carried& each) { return each.in.number + each.out.number > 0; });
}

/// Adds `messages` of the connection and `forwarded` messages of the sockets. Returns the number of messages that are
/// data of the connection itself.
std::int64_t add(ForwardedPayload::Balance& balance, std::int64_t messages, std::int64_t forwarded) {
    balance.more += messages - forwarded;
    const std::int64_t own = std::max<std::int64_t>(0, balance.more - balance.most);
    balance.most = std::min(std::max(balance.most, balance.more), balance.more + in_flight);
    return own;
}

/// Returns true if the messages can be keepalives or answers to them.
bool can_be_keepalives(const Messages& messages) {
    return messages.number == 0 ||
           (messages.bytes % messages.number == 0 && ssh_packet::is_keepalive(messages.bytes / messages.number));
}

/// Returns true if a connection that only carries forwarded data has carried data of sockets that were opened and
/// closed since the last sample, and are therefore not among the sockets.
bool carries_short_connections(const Carried& connection, const std::vector<Carried>& sockets) {
    if (is_any(sockets)) {
        // A packet is less than max_size longer than the data in it, and a keepalive is not larger than that.
        return connection.in.bytes >
               total(sockets, &Carried::out).bytes + TrafficHistory::max_size * connection.in.number;
    }
    // The client sends at least three messages for each connection, which open a channel, contain data and close it.
    return connection.in.number > in_flight && !(can_be_keepalives(connection.in) && can_be_keepalives(connection.out));
}

/// Returns the size of the packets that contain the data of the sockets in one direction. The messages of a socket are
/// assumed to have equal sizes, as those of background traffic have.
std::uint64_t size_on_connection(const std::vector<Carried>& sockets, Messages Carried::* direction,
                                 const ssh_packet::PacketFormat& format) {
    std::uint64_t bytes = 0;
    for (const Carried& socket : sockets) {
        const Messages& messages = socket.*direction;
        if (messages.number > 0) {
            const auto data =
                static_cast<std::uint32_t>(std::min(messages.bytes / messages.number, TrafficHistory::max_size));
            bytes += messages.number * format.size(ssh_packet::data_header + data);
        }
    }
    return bytes;
}

/// Returns true if `all` messages in one direction of the connection can be the packets of the sockets and `keepalives`
/// other packets. A segment may contain several packets that were sent at the same time. Keepalives are at least a
/// second apart, so that each has a segment of its own, or one that it shares with data.
bool can_be_segments(const Messages& all, const std::vector<Carried>& sockets, Messages Carried::* direction,
                     std::uint64_t keepalives) {
    std::uint64_t busiest = 0;
    for (const Carried& socket : sockets) {
        busiest = std::max(busiest, (socket.*direction).number);
    }
    const std::uint64_t packets = total(sockets, direction).number + keepalives;
    return all.number >= keepalives && all.number <= packets && packets - all.number <= busiest;
}

/// Returns true if the connection has carried only the data of the sockets and keepalives since the last sample. Each
/// packet format is tried. Returns false for a compressed connection. If the sockets had no data, it only returns true
/// if the sizes exclude keys.
bool carries_only_keepalives(const Carried& connection, const std::vector<Carried>& sockets) {
    // The client sends what a socket sends, and receives what a socket receives.
    return std::ranges::any_of(ssh_packet::formats, [&](const ssh_packet::PacketFormat& format) {
        const std::uint64_t data_in = size_on_connection(sockets, &Carried::out, format);
        const std::uint64_t data_out = size_on_connection(sockets, &Carried::in, format);
        if (connection.in.bytes < data_in || connection.out.bytes < data_out) {
            return false;
        }
        const auto fits = [&](std::uint32_t payload_in, std::uint32_t payload_out) {
            const std::uint32_t size_in = format.size(payload_in);
            const std::uint32_t size_out = format.size(payload_out);
            const std::uint64_t keepalives = (connection.in.bytes - data_in) / size_in;
            return connection.in.bytes == data_in + keepalives * size_in &&
                   connection.out.bytes == data_out + keepalives * size_out &&
                   can_be_segments(connection.in, sockets, &Carried::out, keepalives) &&
                   can_be_segments(connection.out, sockets, &Carried::in, keepalives) &&
                   (is_any(sockets) || !ssh_packet::are_data(size_in, size_out));
        };
        return std::ranges::any_of(ssh_packet::keepalive_payloads, [&](const auto& pair) {
            return fits(pair.first, pair.second) || fits(pair.second, pair.first);
        });
    });
}

/// Adds to `own` the data that the connection has carried since the last sample, except for that of the sockets.
void add_own(SocketSample& own, ForwardedPayload& forwarded, const SocketSample& connection, Carried carried,
             const std::vector<Carried>& sockets) {
    if (is_any(sockets)) {
        // The size of a message cannot be told from that of the forwarded ones, so it counts as a large one.
        const auto own_messages = [](std::int64_t number) {
            return Messages{static_cast<std::uint64_t>(number),
                            TrafficHistory::max_size * static_cast<std::uint64_t>(number)};
        };
        const auto signed_number = [](const Messages& messages) { return static_cast<std::int64_t>(messages.number); };
        carried.in =
            own_messages(add(forwarded.in, signed_number(carried.in), signed_number(total(sockets, &Carried::out))));
        carried.out =
            own_messages(add(forwarded.out, signed_number(carried.out), signed_number(total(sockets, &Carried::in))));
    }
    own.segments_in += carried.in.number;
    own.segments_out += carried.out.number;
    own.bytes_in += carried.in.bytes;
    own.bytes_out += carried.out.bytes;
    own.last_in = carried.in.number > 0 ? connection.last_in : own.last_in;
    own.last_out = carried.out.number > 0 ? connection.last_out : own.last_out;
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
        const auto sockets = can_tell ? forwarded_since(forwarded, *sample.sockets) : std::vector<Carried>();
        const Carried carried = carried_since(forwarded.connection, connection);
        const bool only_forwards = !sample.has_channel && !sample.input && sample.sockets;
        const bool is_own = only_forwards ? carries_short_connections(carried, sockets)
                                          : sockets.empty() || !carries_only_keepalives(carried, sockets);
        if (is_own) {
            add_own(traffic.own, forwarded, connection, carried, sockets);
        }
        traffic.own.is_dead = connection.is_dead;
    }
    traffic.connection =
        with_sample(std::move(traffic.connection), source_of(traffic), std::span(&traffic.own, 1), now);
    forwarded.connection = connection;
}

} // namespace

bool is_in_flight(const SessionTraffic& traffic, const TrafficSample& sample, BootTime now) {
    if (traffic.was_in_flight || !sample.connection || !sample.sockets || sample.sockets->empty() ||
        sample.connection->cookie != traffic.forwarded.connection.cookie) {
        return false;
    }
    const auto is_recent = [now](const SocketSample& socket) {
        return (socket.segments_in > 0 && now - socket.last_in < forwarding_time) ||
               (socket.segments_out > 0 && now - socket.last_out < forwarding_time);
    };
    return is_recent(*sample.connection) || std::ranges::any_of(*sample.sockets, is_recent);
}

SessionTraffic with_sample(SessionTraffic traffic, const ActivitySample& sample, BootTime now) {
    traffic.was_in_flight = false;
    const bool is_same_kind = !sample.connection || sample.has_channel == traffic.has_channel;
    if (is_same_kind && traffic.sampled != BootTime{} && now - traffic.sampled < TrafficHistory::min_period) {
        return traffic;
    }
    traffic.sampled = now;
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
