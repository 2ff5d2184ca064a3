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
    const Duration window = now - session.last_sample.at;
    if (session.last_sample.at == BootTime{} || !sample.processor_time || window < shortest_window) {
        return false;
    }
    return *sample.processor_time - session.last_sample.processor_time > window / processor_share;
}

BootTime last_use_of_terminal(const Session& session, const ActivitySample& sample, policy::Activity counted,
                              BootTime now) {
    const LastSample& last_sample = session.last_sample;
    BootTime last =
        std::max(session.last_input, last_stamped(*sample.input, last_sample.input, session, sample.wall_offset, now));
    if (policy::counts_output(counted) && sample.output) {
        const BootTime at = last_stamped(*sample.output, last_sample.output, session, sample.wall_offset, now);
        const bool is_our_notice = at <= after(session.last_notice_at, echo_of_notice);
        last = is_our_notice ? last : std::max(last, at);
    }
    return policy::counts_processor(counted) && is_busy(session, sample, now) ? now : last;
}

BootTime last_use_of_connection(const Session& session, const ActivitySample& sample, BootTime now) {
    if (session.phase == Phase::left_behind && !sample.traffic) {
        // The connection ended with the logout.
        return is_busy(session, sample, now) ? now : session.last_input;
    }
    if (!sample.traffic || is_busy(session, sample, now)) {
        return now;
    }
    const LastSample& last_sample = session.last_sample;
    if (last_sample.at == BootTime{}) {
        // Without an earlier sample of the connection, ssh keepalives cannot be distinguished from other data. Any data
        // on the connection then counts as activity.
        return std::clamp(now - sample.since_data, session.last_input, now);
    }
    if (sample.traffic->cookie != last_sample.traffic.cookie) {
        return now;
    }
    const bool used = is_traffic(last_sample.traffic, *sample.traffic, now - last_sample.at);
    return used ? std::clamp(now - sample.since_data, session.last_input, now) : session.last_input;
}

/// Data that a TCP connection carried in one direction between two activity probes of its session.
struct Carried {
    std::uint64_t bytes;
    std::uint64_t segments;
};

bool is_more_than_keepalives(const Carried& carried, Duration window) {
    // The maximum number of ssh keepalives between two activity probes is the time between the probes divided by the
    // keepalive interval, plus 2. The 2 is added because neither probe is synchronized with the keepalives.
    const auto most = static_cast<std::uint64_t>(std::max(Duration{}, window) / keepalive_interval) + 2;
    return carried.bytes > carried.segments * keepalive_bytes || carried.segments > most;
}

/// Returns true if all counted TCP segments may have the same size, as ssh keepalives do. The number of segments may be
/// wrong by one. The kernel counts a segment when it is sent or retransmitted, but counts its bytes when they are
/// acknowledged.
bool is_of_one_size(const Carried& carried) {
    const std::uint64_t fewest = std::max<std::uint64_t>(carried.segments, 2) - 1;
    for (std::uint64_t segments = fewest; segments <= carried.segments + 1; ++segments) {
        if (carried.bytes % segments == 0) {
            return true;
        }
    }
    return false;
}

} // namespace

bool is_traffic(const Traffic& before, const Traffic& after, Duration window) {
    const Carried in{after.bytes_in - before.bytes_in, after.segments_in - before.segments_in};
    const Carried out{after.bytes_out - before.bytes_out, after.segments_out - before.segments_out};
    if (is_more_than_keepalives(in, window) || is_more_than_keepalives(out, window)) {
        return true;
    }
    // If the ssh client and the ssh server both send keepalives, each direction of the connection carries keepalives
    // and replies to keepalives. A keepalive and its reply are then treated as a pair, and all pairs are assumed to
    // have the same total size.
    const Carried pairs{in.bytes + out.bytes, in.segments};
    return !(is_of_one_size(in) && is_of_one_size(out)) && !(in.segments == out.segments && is_of_one_size(pairs));
}

BootTime last_use(const Session& session, const ActivitySample& sample, policy::Activity counted, BootTime now) {
    if (sample.hint) {
        return std::clamp(now - *sample.hint, session.last_input, now);
    }
    return sample.input ? last_use_of_terminal(session, sample, counted, now)
                        : last_use_of_connection(session, sample, now);
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
    const bool counts = !sample.hint && (!sample.input || policy::counts_processor(counted));
    return counts && sample.processor_time &&
           *sample.processor_time - session.last_sample.processor_time > idle / processor_share;
}

bool is_output_awaited(const Session& session, policy::Activity counted) {
    return is_limited(session) && !session.graphical && session.terminal != Terminal::none &&
           policy::counts_output(counted);
}

LastSample to_last_sample(const Session& session, const ActivitySample& sample, BootTime now) {
    LastSample last_sample = session.last_sample;
    last_sample.input = sample.input.value_or(last_sample.input);
    last_sample.output = sample.output.value_or(last_sample.output);
    last_sample.wall_offset = sample.wall_offset;
    if (last_sample.at != BootTime{} && now - last_sample.at < shortest_window) {
        // The earlier sample was taken less than shortest_window ago. Its counters are kept, because traffic and CPU
        // time can only be compared over a longer time.
        return last_sample;
    }
    last_sample.at = now;
    last_sample.processor_time = sample.processor_time.value_or(last_sample.processor_time);
    last_sample.traffic = sample.traffic.value_or(Traffic{});
    return last_sample;
}

} // namespace sesslimit::core
