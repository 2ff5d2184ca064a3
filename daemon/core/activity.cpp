// SPDX-License-Identifier: MIT
#include "daemon/core/activity.hpp"

#include "daemon/core/deadline.hpp"
#include "daemon/core/decide.hpp"

#include <algorithm>
#include <optional>

namespace sesslimit::core {
namespace {

using std::chrono::seconds;

/// Step of terminal timestamps. The kernel updates the timestamps of a terminal only once per 8 s (tty_update_time in
/// drivers/tty/tty_io.c). A timestamp therefore counts as the end of its step, so that an idle session may be
/// terminated up to 8 s late, but never early.
constexpr Duration step = seconds(8);

constexpr Duration youngest_within_step(Duration stamp) {
    return std::chrono::floor<seconds>(stamp) / step * step + step;
}

/// Converts a terminal timestamp `stamp` from wall clock time to CLOCK_BOOTTIME. `offset` is the wall clock minus
/// CLOCK_BOOTTIME. Returns nothing if the converted time does not lie between the last activity probe of the session
/// and now.
std::optional<BootTime> since_look(Duration stamp, Duration offset, const LastSample& last_sample, BootTime now) {
    const BootTime told{youngest_within_step(stamp) - offset};
    const bool fits = told > last_sample.at - shortest_window && told <= now + step;
    return fits ? std::optional(std::min(now, told)) : std::nullopt;
}

/// Returns the time of the last activity on a terminal. `stamp` is the current timestamp of the terminal, and `before`
/// is the terminal's timestamp at the previous activity probe of the session.
///
/// Terminal timestamps are wall clock times, and the wall clock may have been set between two activity probes. The
/// function therefore converts a timestamp twice, with the offset to CLOCK_BOOTTIME that was measured at each of the
/// two probes. It returns the later of the converted times that lie between the two probes.
///
/// If neither conversion of the terminal timestamp to CLOCK_BOOTTIME gives a time between the two activity probes, the
/// wall clock was set twice, or the session now has another terminal. If the timestamp has changed since the previous
/// probe, activity is then assumed now.
///
/// A terminal timestamp that has not changed since the previous activity probe is also converted. A key press after
/// that probe, but in the same step of 8 s, would not have changed the timestamp.
BootTime last_stamped(Duration stamp, Duration before, const Session& session, Duration wall_offset, BootTime now) {
    const LastSample& last_sample = session.last_sample;
    if (last_sample.at == BootTime{}) {
        return std::min(now, BootTime{youngest_within_step(stamp) - wall_offset});
    }
    const std::optional<BootTime> moment = std::max(since_look(stamp, wall_offset, last_sample, now),
                                                    since_look(stamp, last_sample.wall_offset, last_sample, now));
    return moment.value_or(stamp == before ? session.last_input : now);
}

bool is_busy(const Session& session, const ActivitySample& sample, BootTime now) {
    const Duration window = now - session.last_sample.processor_at;
    if (session.last_sample.processor_at == BootTime{} || !sample.processor_time || window < shortest_window) {
        return false;
    }
    return *sample.processor_time - session.last_sample.processor_time > window / processor_share;
}

/// Returns the later use, or `first` if both are equal.
Use later(const Use& first, const Use& second) {
    return second.at > first.at ? second : first;
}

Use last_use_of_terminal(const Session& session, const ActivitySample& sample, policy::Activity counted, BootTime now) {
    const LastSample& last_sample = session.last_sample;
    const BootTime input = last_stamped(*sample.input, last_sample.input, session, sample.wall_offset, now);
    Use last = later({session.last_input, session.last_source}, {input, Source::input});
    const bool is_dead = sample.connection && sample.connection->is_dead;
    if (counted.output && sample.output && !is_dead) {
        const BootTime at = last_stamped(*sample.output, last_sample.output, session, sample.wall_offset, now);
        const bool is_our_notice = at <= after(session.last_notice_at, echo_of_notice);
        last = is_our_notice ? last : later(last, {at, Source::output});
    }
    return counted.processor && is_busy(session, sample, now) ? later(last, {now, Source::processor}) : last;
}

Use last_use_without_terminal(const Session& session, const ActivitySample& sample, BootTime now) {
    // After a logout, the connection has ended.
    if (session.phase != Phase::left_behind && !sample.connection) {
        return {now, Source::none};
    }
    return is_busy(session, sample, now) ? Use{now, Source::processor} : Use{session.last_input, session.last_source};
}

/// Returns true if the sockets or the connection of the session were inspected at least once. Their use counts further
/// if that fails later, or if the connection has ended.
bool is_known(const TrafficHistory& history) {
    return history.sampled != BootTime{};
}

bool counts_sockets(const SessionTraffic& traffic, bool has_terminal, policy::Activity counted) {
    return is_known(traffic.sockets) && (counted.network || !has_terminal);
}

/// Returns true if keys that no program has read count, which are only known from the connection. With idle_activity =
/// "input", the connection counts if it cannot carry other data.
bool counts_unread_keys(const SessionTraffic& traffic, policy::Activity counted) {
    const bool has_only_keys = !traffic.has_channel && is_known(traffic.sockets) && !traffic.has_sockets;
    return is_known(traffic.connection) && (counted.network || has_only_keys);
}

bool counts_connection(const SessionTraffic& traffic, bool has_terminal, policy::Activity counted) {
    return has_terminal ? counts_unread_keys(traffic, counted) : is_known(traffic.connection);
}

} // namespace

bool is_traffic_counted(const SessionTraffic& traffic, bool has_terminal, policy::Activity counted) {
    return counts_sockets(traffic, has_terminal, counted) || counts_connection(traffic, has_terminal, counted);
}

TrafficUse last_use_by_traffic(const SessionTraffic& traffic, bool has_terminal, policy::Activity counted) {
    TrafficUse use;
    const auto add = [&use](const TrafficUse& more) {
        use.source = more.last > use.last ? more.source : use.source;
        use.last = std::max(use.last, more.last);
        use.earliest_source = more.earliest > use.earliest ? more.earliest_source : use.earliest_source;
        use.earliest = std::max(use.earliest, more.earliest);
    };
    if (counts_sockets(traffic, has_terminal, counted)) {
        add(judge(traffic.sockets, TrafficSource::network));
    }
    if (counts_connection(traffic, has_terminal, counted)) {
        add(use_of_connection(traffic));
    }
    return use;
}

Sources sources_of(const Session& session, policy::Activity counted) {
    Sources sources;
    if (is_web(session)) {
        return sources;
    }
    if (session.graphical) {
        sources.hint = true;
        return sources;
    }
    const SessionTraffic& traffic = traffic_of(session);
    const bool is_connected = session.phase != Phase::left_behind;
    switch (session.terminal) {
    case Terminal::unknown:
        break;
    case Terminal::some:
        sources.input = true;
        sources.unread_keys = is_connected && !traffic.has_channel && counts_unread_keys(traffic, counted);
        sources.network = counted.network && is_known(traffic.sockets);
        sources.channel = is_connected && counted.network && is_known(traffic.connection) && traffic.has_channel;
        sources.output = counted.output;
        sources.processor = counted.processor;
        break;
    case Terminal::none:
        if (is_known(traffic.connection) || session.phase == Phase::left_behind) {
            sources.network = is_known(traffic.sockets);
            sources.channel = session.phase != Phase::left_behind;
            sources.processor = true;
        }
        break;
    }
    return sources;
}

Source last_source_of(const Session& session) {
    const TrafficUse& use = traffic_of(session).use;
    if (use.last <= session.last_input) {
        return session.last_source;
    }
    if (use.source == TrafficSource::network) {
        return Source::network;
    }
    const bool is_key = use.source == TrafficSource::keys && session.terminal == Terminal::some;
    return is_key ? Source::input : Source::channel;
}

std::string_view name_of(Source source) {
    switch (source) {
    case Source::none:
        break;
    case Source::input:
        return "input";
    case Source::network:
        return "network";
    case Source::channel:
        return "channel";
    case Source::output:
        return "output";
    case Source::processor:
        return "cpu";
    case Source::hint:
        return "hint";
    }
    return "";
}

Use last_use(const Session& session, const ActivitySample& sample, policy::Activity counted, BootTime now) {
    if (sample.hint) {
        return later({session.last_input, session.last_source}, {std::min(now - *sample.hint, now), Source::hint});
    }
    return sample.input ? last_use_of_terminal(session, sample, counted, now)
                        : last_use_without_terminal(session, sample, now);
}

WholeSeconds idle_time(const Session& session, const ActivitySample& sample, BootTime used, BootTime now) {
    // After the daemon has locked a screen, last_input is the time of the lock, and the user's last activity was
    // earlier.
    const Duration idle = sample.hint ? std::min(*sample.hint, now - session.opened) : now - used;
    return std::chrono::duration_cast<WholeSeconds>(std::max(Duration{}, idle));
}

bool is_mosh(const Session& session, const ActivitySample& sample) {
    if (!sample.has_udp_socket.value_or(session.is_used_by_mosh) || session.logged_out == BootTime{}) {
        return false;
    }
    // If the wall clock was set, the earlier of the two possible times is used.
    const bool is_probed = session.last_sample.at != BootTime{};
    const Duration offset =
        is_probed ? std::max(sample.wall_offset, session.last_sample.wall_offset) : sample.wall_offset;
    return session.is_used_by_mosh ||
           (sample.input && BootTime{*sample.input - offset} > after(session.logged_out, Timeouts::mosh_start));
}

bool is_input_undated(const Session& session) {
    return (session.phase == Phase::admitted || session.phase == Phase::active) && session.last_sample.at == BootTime{};
}

bool was_perhaps_busy(const Session& session, const ActivitySample& sample, policy::Activity counted, Duration idle) {
    const bool counts = !sample.hint && (!sample.input || counted.processor);
    return counts && sample.processor_time &&
           *sample.processor_time - session.last_sample.processor_time > idle / processor_share;
}

bool is_output_awaited(const Session& session, policy::Activity counted) {
    return is_limited(session) && !session.graphical && session.terminal != Terminal::none && counted.output;
}

LastSample to_last_sample(const Session& session, const ActivitySample& sample, BootTime now) {
    LastSample last_sample = session.last_sample;
    last_sample.input = sample.input.value_or(last_sample.input);
    last_sample.output = sample.output.value_or(last_sample.output);
    last_sample.wall_offset = sample.wall_offset;
    if (last_sample.at == BootTime{} || now - last_sample.at >= shortest_window) {
        last_sample.at = now;
    }
    // CPU time can only be compared over a time of at least shortest_window.
    const bool is_first = last_sample.processor_at == BootTime{};
    if (sample.processor_time && (is_first || now - last_sample.processor_at >= shortest_window)) {
        last_sample.processor_time = *sample.processor_time;
        last_sample.processor_at = now;
    }
    return last_sample;
}

} // namespace sesslimit::core
