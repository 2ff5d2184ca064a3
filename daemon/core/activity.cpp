// SPDX-License-Identifier: MIT
#include "daemon/core/activity.hpp"

#include <algorithm>
#include <optional>

namespace sesslimit::core {
namespace {

using std::chrono::seconds;

/// The kernel moves a terminal's times in steps of 8 s (tty_update_time in drivers/tty/tty_io.c): the last key may be
/// as young as the end of the step that its stamp is in. Nobody is ended early; somebody may be ended 8 s late.
constexpr Span step = seconds(8);

constexpr Span youngest_within_step(Span stamp) {
    return std::chrono::floor<seconds>(stamp) / step * step + step;
}

/// When a terminal with that stamp was last used, as a wall clock with that offset has it; nothing: not since the last
/// look.
std::optional<Boottime> since_look(Span stamp, Span offset, const Seen& seen, Boottime now) {
    const Boottime told{youngest_within_step(stamp) - offset};
    const bool fits = told > seen.at - shortest_window && told <= now + step;
    return fits ? std::optional(std::min(now, told)) : std::nullopt;
}

/// When a terminal was last used, by its stamp now and the one `before`, at the last look. The clock may have been set
/// between the looks (boottime is slewed as it is, so that they differ by steps alone): of both readings that lie
/// between them the later one counts. Where none does, the clock was set twice, or the terminal is another one: it may
/// have been a moment ago. The same stamp again may hide a key of the same step: of one that was not over at the last
/// look, or of one that a clock that was set back goes through again.
Boottime last_stamped(Span stamp, Span before, const Session& session, Span wall_offset, Boottime now) {
    const Seen& seen = session.seen;
    if (seen.at == Boottime{}) {
        return std::min(now, Boottime{youngest_within_step(stamp) - wall_offset});
    }
    const std::optional<Boottime> moment =
        std::max(since_look(stamp, wall_offset, seen, now), since_look(stamp, seen.wall_offset, seen, now));
    return moment.value_or(stamp == before ? session.last_input : now);
}

bool is_busy(const Session& session, const Signs& signs, Boottime now) {
    const Span window = now - session.seen.at;
    if (session.seen.at == Boottime{} || !signs.processor_time || window < shortest_window) {
        return false;
    }
    return *signs.processor_time - session.seen.processor_time > window / processor_share;
}

Boottime last_use_of_terminal(const Session& session, const Signs& signs, policy::Activity counted, Boottime now) {
    const Seen& seen = session.seen;
    Boottime last =
        std::max(session.last_input, last_stamped(*signs.input, seen.input, session, signs.wall_offset, now));
    if (policy::counts_output(counted) && signs.output) {
        const Boottime at = last_stamped(*signs.output, seen.output, session, signs.wall_offset, now);
        const bool is_our_notice = at <= after(session.told_at, echo_of_notice);
        last = is_our_notice ? last : std::max(last, at);
    }
    return policy::counts_processor(counted) && is_busy(session, signs, now) ? now : last;
}

Boottime last_use_of_connection(const Session& session, const Signs& signs, Boottime now) {
    if (!signs.traffic || is_busy(session, signs, now)) {
        return now;
    }
    const Seen& seen = session.seen;
    if (seen.at == Boottime{}) {
        // Nothing to hold it against: data may be keepalives, and is taken for use.
        return std::clamp(now - signs.since_data, session.last_input, now);
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
    seen.wall_offset = signs.wall_offset;
    if (seen.at != Boottime{} && now - seen.at < shortest_window) {
        return seen; // counters are held against the earlier look once enough time has gone by
    }
    seen.at = now;
    seen.processor_time = signs.processor_time.value_or(seen.processor_time);
    seen.traffic = signs.traffic.value_or(Traffic{});
    return seen;
}

} // namespace sesslimit::core
