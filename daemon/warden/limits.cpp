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
constexpr Span step = seconds(8);

constexpr Span youngest_within_step(Span stamp) {
    return std::chrono::floor<seconds>(stamp) / step * step + step;
}

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
    const std::vector<Span> warnings = turn.warnings(session, turn.limits(session));
    if (const auto warning = idle_warning(session, warnings, turn.now)) {
        session.idle_warned = *warning;
        turn.tell(Notice::Kind::warned, session, reason, end - turn.now);
    }
    session.due = session.observed ? never : next_due(session, warnings);
    turn.put(session);
}

/// Says once for each user that there are more sessions than the policy allows by now.
void tell_if_over(Turn& turn, const Session& session) {
    const policy::Limits limits = turn.limits(session);
    const auto& keys = turn.state.of_user(session.login.uid);
    const auto first =
        std::ranges::find_if(keys, [&turn](SessionKey key) { return takes_a_place(turn.state.find(key)->phase); });
    if (first != keys.end() && *first == session.key &&
        turn.state.counted(session.login.uid) > limits.max_sessions.value) {
        turn.tell(Notice::Kind::over_limit, session,
                  {.cause = Cause::limit_reached, .count = limits.max_sessions.value, .span = {}, .by = {}});
    }
}

} // namespace

void serve_limits(Turn& turn, Session session) {
    const std::vector<Span> warnings = turn.warnings(session, turn.limits(session));
    const Reason reason{.cause = Cause::duration, .count = 0, .span = session.max_duration, .by = {}};
    const Boottime end = duration_end(session);
    if (end <= turn.now) {
        return begin_end(turn, session, reason);
    }
    if (const auto warning = duration_warning(session, warnings, turn.now)) {
        session.duration_warned = *warning;
        turn.tell(Notice::Kind::warned, session, reason, end - turn.now);
    }
    session.due = next_due(session, warnings);
    if (idle_look(session, warnings) <= turn.now) {
        turn.out.effects.emplace_back(Look{session.key});
        session.due = after(turn.now, Patience::looking);
    }
    turn.put(session);
}

void look_first(Turn& turn, const Session& session) {
    if (session.phase == Phase::live && session.idle_timeout != unlimited_span) {
        turn.out.effects.emplace_back(Look{session.key});
    }
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
        // There was input since the last look. When it was, the wall clock tells: the later of both readings where it
        // was set in between (boottime is slewed as it is, so that they differ by steps alone). Where even that is
        // before what was known, the clock was set twice, or the terminal has gone: it may have been a moment ago.
        const bool first = session.wall_offset == Span{};
        const Span offset = first ? event.wall_offset : std::min(event.wall_offset, session.wall_offset);
        const Boottime told{youngest_within_step(*event.stamp) - offset};
        const bool impossible = session.input_stamp != Span{} && told + step <= session.last_input;
        note_input(turn, session, impossible ? turn.now : std::min(turn.now, told));
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
    session.due = next_due(session, turn.warnings(session, turn.limits(session)));
    turn.put(session);
}

void review(const Turn& turn, Session& session, bool surprised) {
    const policy::Limits limits = turn.limits(session);
    const bool enforced = limits.mode.value == policy::Mode::enforce;
    const bool spared = session.observed && enforced;
    const bool other_duration = session.max_duration != limits.max_duration.value;
    const bool other_idle = session.idle_timeout != limits.idle_timeout.value;
    Turn::count_in(session, limits);
    session.max_duration = limits.max_duration.value;
    session.idle_timeout = limits.idle_timeout.value;
    session.observed = session.observed && !enforced && !other_duration && !other_idle;
    if (session.observed) {
        return;
    }
    const Span grace = limits.warn_before.empty() ? Patience::grace : limits.warn_before.front();
    const Boottime fair = after(turn.now, grace);
    const bool fresh_duration = surprised || spared || other_duration;
    const bool fresh_idle = surprised || spared || other_idle;
    if (enforced && ((fresh_duration && duration_end(session) < fair) || (fresh_idle && idle_end(session) < fair))) {
        session.not_before = fair;
    }
    session.duration_warned = fresh_duration ? unlimited_span : session.duration_warned;
    session.idle_warned = fresh_idle ? unlimited_span : session.idle_warned;
    session.due = next_due(session, turn.warnings(session, limits));
}

void take(Turn& turn, const PolicyChanged&) {
    for (const auto& [key, session] : turn.state.sessions()) {
        Session reviewed = session;
        if (session.phase == Phase::waiting) {
            reviewed.due = turn.now; // there may be room for it now
        }
        if (session.phase == Phase::ending) {
            Turn::count_in(reviewed, turn.limits(session));
        }
        if (session.phase == Phase::reserved || session.phase == Phase::live) {
            review(turn, reviewed, false);
            tell_if_over(turn, reviewed);
        }
        if (reviewed != session) {
            settle(turn, reviewed);
        }
        if (reviewed.idle_timeout != session.idle_timeout) {
            look_first(turn, reviewed);
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
    settle(turn, session);
    if (session.idle_timeout != found->idle_timeout) {
        look_first(turn, session);
    }
}

} // namespace sesslimit::warden
