// SPDX-License-Identifier: MIT
#include "daemon/core/traffic.hpp"

#include "daemon/core/ssh_packet.hpp"
#include "daemon/core/traffic_run.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace sesslimit::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Tolerances for the time of a message. The evidence is stronger if a smaller tolerance suffices.
constexpr std::array<Duration, 5> tolerances{milliseconds(12), milliseconds(25), milliseconds(50), milliseconds(100),
                                             milliseconds(200)};

/// Minimum payload that an ssh client receives before it sends a window adjustment, in bytes. OpenSSH waits for three
/// packets (channel_check_window in channels.c), which have 16 KiB each in a session with a terminal (ssh.c).
constexpr std::uint64_t window_adjustment = 45'000;

/// Payload in one direction between two samples.
struct Burst {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
    BootTime last{};
};

/// Both directions between two samples, and the time between the samples.
struct Exchange {
    Burst in;
    Burst out;
    Duration window{};
};

Burst burst(std::uint64_t messages, std::uint64_t bytes, BootTime last, BootTime begin, BootTime now) {
    // Counters of bytes and segments are consistent for one direction, except for a segment that only fills a gap.
    const bool is_any = messages > 0 || bytes > 0;
    return is_any ? Burst{std::max<std::uint64_t>(messages, 1), bytes, std::clamp(last, begin, now)} : Burst{};
}

Exchange exchange(const SocketSample& before, const SocketSample& after, BootTime begin, BootTime now) {
    return {.in = burst(increase(before.segments_in, after.segments_in), increase(before.bytes_in, after.bytes_in),
                        after.last_in, begin, now),
            .out = burst(increase(before.segments_out, after.segments_out), increase(before.bytes_out, after.bytes_out),
                         after.last_out, begin, now),
            .window = now - begin};
}

bool is_large(const Burst& burst) {
    return burst.messages > 0 && burst.bytes / TrafficHistory::max_size >= burst.messages;
}

bool is_frequent(const Burst& burst, Duration window) {
    constexpr std::int64_t most = 10'000'000; // so that the numbers of a step fit into 32 bits
    const auto periods =
        static_cast<std::uint64_t>(std::clamp<std::int64_t>(window / TrafficHistory::min_period, 0, most));
    return burst.messages > (periods + 1) * max_phases;
}

bool is_bulk(const Burst& burst, Duration window) {
    const auto whole = static_cast<std::uint64_t>(std::max<std::int64_t>(1, window / seconds(1)));
    return burst.bytes / TrafficHistory::bulk_rate >= whole;
}

/// Returns true if the received messages are the output of a program, and not the answers to the sent ones.
bool is_output(const Exchange& traffic) {
    return is_large(traffic.in) || is_frequent(traffic.in, traffic.window);
}

/// Returns true if the sent messages are window adjustments for `received` bytes.
bool is_adjustment(const Burst& out, std::uint64_t received) {
    return received / window_adjustment >= out.messages && out.bytes % out.messages == 0 &&
           ssh_packet::is_adjustment(out.bytes / out.messages);
}

TrafficStep step_of(const Burst& counted, const Burst& other, BootTime begin, BootTime last_use) {
    return {.begin = begin,
            .last = counted.last,
            .last_use = last_use,
            .messages = static_cast<std::uint32_t>(counted.messages),
            .bytes = static_cast<std::uint32_t>(counted.bytes),
            .other_messages = static_cast<std::uint32_t>(other.messages),
            .other_bytes = static_cast<std::uint32_t>(other.bytes)};
}

TrafficStep use_step(const Burst& counted, BootTime begin, BootTime last_use) {
    return {.begin = begin, .last = counted.last, .last_use = last_use, .is_use = true};
}

std::optional<TrafficStep> network_step(const Exchange& traffic, TrafficSource source, std::uint64_t received,
                                        BootTime begin) {
    const auto& [in, out, window] = traffic;
    const bool receives = source == TrafficSource::network && is_bulk(in, window);
    if (receives || is_bulk(out, window)) {
        return use_step(out, begin, receives ? std::max(in.last, out.last) : out.last);
    }
    if (out.messages == 0 || is_adjustment(out, received)) {
        return std::nullopt;
    }
    const bool is_use = is_large(out) || is_frequent(out, window);
    return is_use ? use_step(out, begin, out.last) : step_of(out, is_output(traffic) ? Burst{} : in, begin, out.last);
}

/// Adds the messages that were received since the last step of the socket to `step`, or remembers them if there is
/// none.
void pair_received(SocketHistory& socket, const Exchange& traffic, std::optional<TrafficStep>& step) {
    if (is_output(traffic)) {
        socket.unpaired_messages = socket.unpaired_bytes = 0;
    } else if (!step) {
        socket.unpaired_messages += static_cast<std::uint32_t>(traffic.in.messages);
        socket.unpaired_bytes += static_cast<std::uint32_t>(traffic.in.bytes);
    } else {
        if (!step->is_use) {
            step->other_messages += socket.unpaired_messages;
            step->other_bytes += socket.unpaired_bytes;
        }
        socket.unpaired_messages = socket.unpaired_bytes = 0;
    }
}

std::optional<TrafficStep> channel_step(const Exchange& traffic, BootTime begin) {
    const auto& [in, out, window] = traffic;
    if (in.messages == 0 && out.messages == 0) {
        return std::nullopt;
    }
    const bool is_use = is_large(in) || is_large(out) || is_frequent(in, window) || is_frequent(out, window);
    const BootTime last = std::max(in.last, out.last);
    return is_use ? use_step(in, begin, last) : step_of(in, out, begin, last);
}

/// Returns the last use if the `count` newest steps are background.
BootTime use_before(const SocketHistory& socket, std::size_t count) {
    BootTime last = socket.settled;
    for (std::size_t at = 0; at < socket.steps.size() - count; ++at) {
        last = std::max(last, socket.steps[at].last_use);
    }
    return last;
}

/// Returns the maximum difference between the numbers of messages in both directions of background traffic. A sample
/// can be between a message and its answer. On a channel, a message without an answer can be output, which is use.
std::uint64_t missing_answers(TrafficSource source) {
    return source == TrafficSource::channel ? 0 : 1;
}

/// Returns the last use of a socket. `most_missing` is the maximum number of messages without an answer.
TrafficUse use_of(const SocketHistory& socket, std::uint64_t most_missing) {
    TrafficUse use{.last = BootTime::max(), .earliest = BootTime::max()};
    for (const Duration tolerance : tolerances) {
        for (std::size_t phases = 1; phases <= max_phases; ++phases) {
            const TrafficRun run(socket, tolerance, phases, most_missing);
            const bool is_whole = run.proven() == socket.steps.size() && socket.is_background_older;
            use.last = std::min(use.last, use_before(socket, is_whole ? run.proven() : run.background()));
            use.earliest = std::min(use.earliest, use_before(socket, run.possible()));
        }
    }
    use.earliest = std::min(use.earliest, use.last);
    return use;
}

/// Removes the oldest step of a socket after it has been judged for the last time. The newest steps are left out if
/// that shows that the oldest one is background, because they can be use, or can lack an answer.
void remove_oldest(SocketHistory& socket) {
    constexpr int most_left_out = 3;
    const BootTime oldest = socket.steps.front().last_use;
    BootTime last = use_of(socket, 1).last;
    SocketHistory older = socket;
    for (int left_out = 0; left_out < most_left_out && last > oldest; ++left_out) {
        older.steps.pop_back();
        last = std::min(last, use_of(older, 1).last);
    }
    socket.is_background_older = last <= oldest;
    socket.settled = std::max(socket.settled, std::min(last, oldest));
    socket.steps.erase(socket.steps.begin());
}

/// Adds the traffic of a socket since its previous sample to its history.
void update(SocketHistory& socket, TrafficSource source, const SocketSample& sample, BootTime begin, BootTime now) {
    Exchange traffic = exchange(socket.counters, sample, begin, now);
    if (source == TrafficSource::keys) {
        std::swap(traffic.in, traffic.out); // a client sends keys as a process of the session sends data
    }
    const bool is_first = socket.counters == SocketSample{.cookie = sample.cookie};
    socket.counters = sample;
    socket.received += traffic.in.bytes;
    const std::uint64_t received = socket.received;
    if (traffic.out.messages > 0) {
        // The payload of this step may have been received after the last sent message.
        const bool is_adjusted = is_adjustment(traffic.out, received);
        const std::uint64_t rest = received - (is_adjusted ? traffic.out.messages * window_adjustment : 0);
        socket.received = std::min(rest, traffic.in.bytes);
    }
    std::optional<TrafficStep> step = source == TrafficSource::channel ? channel_step(traffic, begin)
                                                                       : network_step(traffic, source, received, begin);
    if (source == TrafficSource::network) {
        pair_received(socket, traffic, step);
    }
    if (step && !sample.is_dead) {
        step->is_use = step->is_use || is_first;
        if (socket.steps.size() == TrafficHistory::max_steps) {
            remove_oldest(socket);
        }
        socket.steps.push_back(*step);
    }
}

BootTime last_payload(const SocketSample& sample) {
    const BootTime in = sample.bytes_in > 0 ? sample.last_in : BootTime{};
    const BootTime out = sample.bytes_out > 0 ? sample.last_out : BootTime{};
    return std::max(in, out);
}

/// Removes a socket from the tracked ones. Its traffic is no longer judged again.
void forget(TrafficHistory& history, TrafficSource source, std::vector<SocketHistory>::iterator socket) {
    history.other_use = std::max(history.other_use, use_of(*socket, missing_answers(source)).last);
    history.sockets.erase(socket);
}

/// Returns the history of a socket, which is a new one if the socket is not tracked yet.
SocketHistory& tracked(TrafficHistory& history, TrafficSource source, const SocketSample& sample) {
    auto& sockets = history.sockets;
    const auto found = std::ranges::find(sockets, sample.cookie, [](const auto& each) { return each.counters.cookie; });
    if (found != sockets.end()) {
        return *found;
    }
    if (sockets.size() == TrafficHistory::max_sockets) {
        forget(history, source,
               std::ranges::min_element(sockets, {}, [](const auto& each) { return last_payload(each.counters); }));
    }
    SocketHistory& added = sockets.emplace_back();
    added.counters.cookie = sample.cookie;
    return added;
}

} // namespace

TrafficHistory with_sample(TrafficHistory history, TrafficSource source, std::span<const SocketSample> sockets,
                           BootTime now) {
    const BootTime begin = history.sampled;
    if (begin != BootTime{} && now - begin < TrafficHistory::min_period) {
        return history;
    }
    history.sampled = now;
    const auto cookie_of = [](const SocketSample& sample) { return sample.cookie; };
    for (std::size_t at = history.sockets.size(); at-- > 0;) {
        if (std::ranges::find(sockets, history.sockets[at].counters.cookie, cookie_of) == sockets.end()) {
            forget(history, source, history.sockets.begin() + static_cast<std::ptrdiff_t>(at));
        }
    }
    for (const SocketSample& sample : sockets) {
        const bool is_tracked = std::ranges::any_of(
            history.sockets, [&](const SocketHistory& socket) { return socket.counters.cookie == sample.cookie; });
        if (is_tracked || last_payload(sample) > begin) {
            update(tracked(history, source, sample), source, sample, begin, now);
        }
    }
    return history;
}

TrafficUse judge(const TrafficHistory& history, TrafficSource source) {
    TrafficUse use{
        .last = history.other_use, .earliest = history.other_use, .source = source, .earliest_source = source};
    for (const SocketHistory& socket : history.sockets) {
        const TrafficUse each = use_of(socket, missing_answers(source));
        use.last = std::max(use.last, each.last);
        use.earliest = std::max(use.earliest, each.earliest);
    }
    return use;
}

} // namespace sesslimit::core
