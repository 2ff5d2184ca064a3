// SPDX-License-Identifier: MIT
#include "daemon/warden/activity.hpp"

#include <algorithm>

namespace sesslimit::warden {
namespace {

using std::chrono::seconds;

/// The kernel moves a terminal's times in steps of 8 s (tty_update_time in drivers/tty/tty_io.c): the last key may be
/// as young as the end of the step that its stamp is in. Nobody is ended early; somebody may be ended 8 s late.
constexpr Span step = seconds(8);

constexpr Span youngest_within_step(Span stamp) {
    return std::chrono::floor<seconds>(stamp) / step * step + step;
}

/// When a terminal was used whose clock shows another stamp than at the last look. The wall clock tells: the later of
/// both readings where it was set in between (boottime is slewed as it is, so that they differ by steps alone). Where
/// even that is before the last look, the clock was set twice, or the terminal is another one: it may have been a
/// moment ago.
Boottime moment_of(Span stamp, const Seen& seen, Span wall_offset, Boottime now) {
    const bool first = seen.at == Boottime{};
    const Span offset = first ? wall_offset : std::min(wall_offset, seen.wall_offset);
    const Boottime told{youngest_within_step(stamp) - offset};
    return !first && told + step <= seen.at ? now : std::min(now, told);
}

bool is_busy(const Session& session, const Signs& signs, Boottime now) {
    const Span window = now - session.seen.at;
    if (session.seen.at == Boottime{} || !signs.processor_time || window < shortest_window) {
        return false;
    }
    return *signs.processor_time - session.seen.processor_time > window / processor_share;
}

/// Output that is not the notice that we wrote ourselves.
bool is_output(const Session& session, const Signs& signs, Boottime at) {
    return *signs.output != session.seen.output && at > after(session.told_at, echo_of_notice);
}

Boottime last_use_of_terminal(const Session& session, const Signs& signs, policy::Activity counted, Boottime now) {
    Boottime last = session.last_input;
    if (*signs.input != session.seen.input) {
        last = std::max(last, moment_of(*signs.input, session.seen, signs.wall_offset, now));
    }
    if (policy::counts_output(counted) && signs.output) {
        const Boottime at = moment_of(*signs.output, session.seen, signs.wall_offset, now);
        last = is_output(session, signs, at) ? std::max(last, at) : last;
    }
    return policy::counts_processor(counted) && is_busy(session, signs, now) ? now : last;
}

Boottime last_use_of_connection(const Session& session, const Signs& signs, Boottime now) {
    if (!signs.traffic || is_busy(session, signs, now)) {
        return now;
    }
    const Seen& seen = session.seen;
    if (seen.at == Boottime{}) {
        return session.last_input;
    }
    if (signs.traffic->cookie != seen.traffic.cookie) {
        return now;
    }
    const bool used = is_traffic(seen.traffic, *signs.traffic, now - seen.at);
    return used ? std::clamp(now - signs.since_data, session.last_input, now) : session.last_input;
}

/// What went in one direction between two looks.
struct Carried {
    std::uint64_t bytes;
    std::uint64_t segments;
};

bool is_more_than_keepalives(const Carried& carried, Span window) {
    // Two more: a window begins and ends anywhere between two of them.
    const auto most = static_cast<std::uint64_t>(std::max(Span{}, window) / keepalive_interval) + 2;
    return carried.bytes > carried.segments * keepalive_bytes || carried.segments > most;
}

/// Whether it may have been segments of one size. One more or less of them than were counted: bytes count when they are
/// acknowledged, segments when they are sent, and again when they are repeated.
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

bool is_traffic(const Traffic& before, const Traffic& after, Span window) {
    const Carried in{after.bytes_in - before.bytes_in, after.segments_in - before.segments_in};
    const Carried out{after.bytes_out - before.bytes_out, after.segments_out - before.segments_out};
    if (is_more_than_keepalives(in, window) || is_more_than_keepalives(out, window)) {
        return true;
    }
    // Where both sides send them, each direction carries one's own and the answers to the other's: as many of both.
    const Carried pairs{in.bytes + out.bytes, in.segments};
    return !(is_of_one_size(in) && is_of_one_size(out)) && !(in.segments == out.segments && is_of_one_size(pairs));
}

Boottime last_use(const Session& session, const Signs& signs, policy::Activity counted, Boottime now) {
    if (signs.hint) {
        return std::clamp(now - *signs.hint, session.last_input, now);
    }
    return signs.input ? last_use_of_terminal(session, signs, counted, now)
                       : last_use_of_connection(session, signs, now);
}

Seen remembered(const Session& session, const Signs& signs, Boottime now) {
    Seen seen = session.seen;
    seen.input = signs.input.value_or(seen.input);
    seen.output = signs.output.value_or(seen.output);
    if (seen.at != Boottime{} && now - seen.at < shortest_window) {
        return seen; // counters are held against the earlier look once enough time has gone by
    }
    seen.at = now;
    seen.wall_offset = signs.wall_offset;
    seen.processor_time = signs.processor_time.value_or(seen.processor_time);
    seen.traffic = signs.traffic.value_or(Traffic{});
    return seen;
}

} // namespace sesslimit::warden
