// SPDX-License-Identifier: MIT
// How long an open session goes on: durations, idleness, warnings.
#include "daemon/warden/deadline.hpp"
#include "daemon/warden/turn.hpp"

#include <algorithm>

namespace sesslimit::warden {
namespace {

using std::chrono::seconds;

/// The kernel moves a terminal's times in steps of 8 s (tty_update_time in drivers/tty/tty_io.c): the last key may be
/// as young as the end of the step that its stamp is in. Nobody is ended early; somebody may be ended 8 s late.
constexpr Span youngest_within_step(Span stamp) {
    const auto whole = std::chrono::floor<seconds>(stamp);
    return seconds((whole.count() | 7) + 1);
}

/// More than a clock that is being slewed moves between two looks a day apart, less than a step that matters.
constexpr Span clock_was_set = seconds(60);

void note_input(Turn& turn, Session& session, Boottime at) {
    if (at <= session.last_input) {
        return;
    }
    const bool was_warned = session.idle_warned != unlimited_span;
    session.last_input = at;
    session.idle_warned = unlimited_span;
    if (was_warned) {
        turn.tell(Notice::Kind::kept, session);
    }
}

void judge_idleness(Turn& turn, Session session) {
    const Reason reason{.cause = Cause::idle, .count = 0, .span = session.idle_timeout, .by = {}};
    const Boottime end = idle_end(session);
    if (end <= turn.now) {
        return begin_end(turn, session, reason);
    }
    const policy::Limits limits = turn.limits(session);
    if (const auto warning = idle_warning(session, limits.warn_before, turn.now)) {
        session.idle_warned = *warning;
        turn.tell(Notice::Kind::warned, session, reason, end - turn.now);
    }
    session.due = session.observed ? never : next_due(session, limits.warn_before);
    turn.put(session);
}

} // namespace

void serve_limits(Turn& turn, Session session) {
    const policy::Limits limits = turn.limits(session);
    const Reason reason{.cause = Cause::duration, .count = 0, .span = session.max_duration, .by = {}};
    const Boottime end = duration_end(session);
    if (end <= turn.now) {
        return begin_end(turn, session, reason);
    }
    if (const auto warning = duration_warning(session, limits.warn_before, turn.now)) {
        session.duration_warned = *warning;
        turn.tell(Notice::Kind::warned, session, reason, end - turn.now);
    }
    session.due = next_due(session, limits.warn_before);
    if (idle_look(session, limits.warn_before) <= turn.now) {
        turn.out.effects.emplace_back(Look{session.key});
        session.due = after(turn.now, Patience::looking);
    }
    turn.put(session);
}

void take(Turn& turn, const Looked& event) {
    const Session* found = turn.state.find(event.session);
    if (found == nullptr || found->phase != Phase::live) {
        return;
    }
    Session session = *found;
    if (!event.stamp) {
        session.last_input = turn.now; // without a terminal there is no telling: it is taken for used
        session.idle_warned = unlimited_span;
    } else if (*event.stamp != session.input_stamp) {
        // There was input since the last look. When it was, the wall clock tells, unless it was set in between.
        const Span moved = std::chrono::abs(event.wall_offset - session.wall_offset);
        const bool clock_set = session.input_stamp != Span{} && moved > clock_was_set;
        const Boottime told{youngest_within_step(*event.stamp) - event.wall_offset};
        note_input(turn, session, clock_set ? turn.now : std::min(turn.now, told));
        session.input_stamp = *event.stamp;
    }
    session.wall_offset = event.wall_offset;
    judge_idleness(turn, session);
}

void take(Turn& turn, const InputHeard& event) {
    const Session* found = turn.state.find(event.session);
    if (found == nullptr || found->phase != Phase::live) {
        return;
    }
    Session session = *found;
    note_input(turn, session, turn.now);
    session.due = next_due(session, turn.limits(session).warn_before);
    turn.put(session);
}

void review(const Turn& turn, Session& session, bool surprised) {
    const policy::Limits limits = turn.limits(session);
    const Span grace = limits.warn_before.empty() ? Patience::grace : limits.warn_before.front();
    const Boottime fair = after(turn.now, grace);
    const bool other_duration = session.max_duration != limits.max_duration.value;
    const bool other_idle = session.idle_timeout != limits.idle_timeout.value;
    session.max_duration = limits.max_duration.value;
    session.idle_timeout = limits.idle_timeout.value;
    session.observed = false;
    const bool duration_near = (surprised || other_duration) && duration_end(session) < fair;
    const bool idle_near = (surprised || other_idle) && idle_end(session) < fair;
    if (duration_near || idle_near) {
        session.not_before = fair;
    }
    if (duration_near) {
        session.duration_warned = unlimited_span;
    }
    if (idle_near) {
        session.idle_warned = unlimited_span;
    }
    session.due = next_due(session, limits.warn_before);
}

void take(Turn& turn, const PolicyChanged&) {
    for (const auto& [key, session] : turn.state.sessions()) {
        if (session.phase == Phase::waiting) {
            Session again = session; // there may be room for it now
            again.due = turn.now;
            turn.put(again);
        }
        if (session.phase != Phase::reserved && session.phase != Phase::live) {
            continue;
        }
        Session reviewed = session;
        review(turn, reviewed, false);
        if (reviewed != session) {
            turn.put(reviewed);
        }
    }
}

void take(Turn& turn, const GroupsLearned& event) {
    const Session* found = turn.state.find(event.session);
    if (found == nullptr) {
        return;
    }
    Session session = *found;
    session.login.gids = event.gids;
    session.login.gids_cut = false;
    if (session.phase == Phase::reserved || session.phase == Phase::live) {
        review(turn, session, false);
    }
    turn.put(session);
}

} // namespace sesslimit::warden
