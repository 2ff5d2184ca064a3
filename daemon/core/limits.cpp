// SPDX-License-Identifier: MIT
// How long an open session goes on: durations, idleness, warnings.
#include "daemon/core/activity.hpp"
#include "daemon/core/deadline.hpp"
#include "daemon/core/decision_context.hpp"

#include <algorithm>

namespace sesslimit::core {
namespace {

/// Warns on its terminals of what comes in `left`.
void warn(Turn& turn, Session& session, const policy::Limits& limits, const Reason& reason, Span left) {
    session.told_at = turn.now;
    turn.out.effects.emplace_back(Notice{.kind = Notice::Kind::warned,
                                         .session = session,
                                         .reason = reason,
                                         .left = left,
                                         .locks = Turn::locks(session, limits, reason.cause)});
}

void warn_of_duration(Turn& turn, Session& session, const policy::Limits& limits) {
    const auto warning = duration_warning(session, turn.warnings(session, limits), turn.now);
    if (warning && duration_end(session) > turn.now) {
        session.duration_warned = *warning;
        const Reason reason{.cause = Cause::duration, .count = 0, .span = session.max_duration, .by = {}};
        warn(turn, session, limits, reason, duration_end(session) - turn.now);
    }
}

/// Whether what we write on its terminals would hide output that counts as use, and that no look has seen yet.
bool is_output_awaited(const Session& session, const policy::Limits& limits) {
    return session.phase == Phase::live && !session.graphical && session.terminal != Terminal::none &&
           idle_limit(session) != unlimited_span && policy::counts_output(limits.idle_activity.value);
}

void note_use(Turn& turn, Session& session, Boottime at) {
    if (at <= session.last_input) {
        return;
    }
    const bool was_warned = session.idle_warned != unlimited_span && session.idle_warned != locked_already;
    session.last_input = at;
    session.idle_warned = unlimited_span;
    if (was_warned) {
        session.told_at = turn.now;
        turn.tell(Notice::Kind::kept, session);
    }
}

/// A locked screen is what an idle limit may come to: from then on it counts anew, so that a screen that was unlocked
/// and left is locked again. One that nobody has come back to since is left alone.
void lock(Turn& turn, Session& session, const Reason& reason) {
    if (turn.limits(session).mode.value == policy::Mode::observe) {
        return begin_end(turn, session, reason);
    }
    if (session.idle_warned != locked_already) {
        turn.out.effects.emplace_back(Lock{session.logind_id});
        turn.tell(Notice::Kind::locked, session, reason);
    }
    session.last_input = turn.now;
    session.idle_warned = locked_already;
    session.due = next_due(session, turn.warnings(session, turn.limits(session)));
    turn.put(session);
}

/// A limit that ran out while nobody could warn of it, in suspend or while no daemon was there, takes its user by
/// surprise: they are warned, and have the longest of their warnings from now on.
void make_up_for_warning(const Turn& turn, Session& session, const std::vector<Span>& warnings) {
    session.not_before = after(turn.now, warnings.front());
}

void judge_idleness(Turn& turn, Session session) {
    const bool unseen = !session.graphical && session.terminal != Terminal::some;
    const Reason reason{.cause = Cause::idle, .count = unseen ? 1U : 0U, .span = idle_limit(session), .by = {}};
    const policy::Limits limits = turn.limits(session);
    const std::vector<Span> warnings = turn.warnings(session, limits);
    if (session.idle_warned == locked_already && !Turn::locks(session, limits, reason.cause)) {
        session.idle_warned = unlimited_span; // the policy ends now what it locked before: that is warned of
    }
    if (idle_end(session) <= turn.now && Turn::locks(session, limits, reason.cause)) {
        return lock(turn, session, reason); // which costs nobody anything: warned or not
    }
    if (idle_end(session) <= turn.now && is_idle_warning_owed(session, warnings)) {
        make_up_for_warning(turn, session, warnings);
    }
    const Boottime end = idle_end(session);
    if (end <= turn.now) {
        return begin_end(turn, session, reason);
    }
    warn_of_duration(turn, session, limits);
    if (const auto warning = idle_warning(session, warnings, turn.now)) {
        session.idle_warned = *warning;
        warn(turn, session, limits, reason, end - turn.now);
    }
    session.due = session.observed ? never : next_due(session, warnings);
    turn.put(session);
}

/// When something must be done about it next: at the latest a while from now, where it must be looked at and the last
/// look showed nothing.
Boottime due_of(const Turn& turn, const Session& session, const std::vector<Span>& warnings) {
    const Boottime due = next_due(session, warnings);
    const bool repeats =
        session.logout_check != LogoutCheck::none || (session.unseen && idle_look(session, warnings) != never);
    return repeats ? std::min(due, after(turn.now, Patience::looking)) : due;
}

/// Nobody could tell whether it is used. It is looked at again, and meanwhile no idle limit ends it, which would take
/// it for unused; how long it may last does not depend on that.
void miss(Turn& turn, Session session) {
    const policy::Limits limits = turn.limits(session);
    const std::vector<Span> warnings = turn.warnings(session, limits);
    session.unseen = true;
    if (is_output_awaited(session, limits) && duration_warning(session, warnings, turn.now)) {
        note_use(turn, session, turn.now); // what we write now hides whether there was any
    }
    warn_of_duration(turn, session, limits);
    session.due =
        session.observed ? never : std::min(after(turn.now, Patience::looking), duration_look(session, warnings));
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
    if (session.logout_check != LogoutCheck::none) {
        return check_logout(turn, session);
    }
    const policy::Limits limits = turn.limits(session);
    const std::vector<Span> warnings = turn.warnings(session, limits);
    if (duration_end(session) <= turn.now && is_duration_warning_owed(session, warnings)) {
        make_up_for_warning(turn, session, warnings);
    }
    if (duration_end(session) <= turn.now) {
        return begin_end(turn, session, {.cause = Cause::duration, .count = 0, .span = session.max_duration, .by = {}});
    }
    // What the terminals show of their use is looked at before we write on them ourselves: the look says the rest.
    const bool looks_first =
        is_output_awaited(session, limits) && duration_warning(session, warnings, turn.now).has_value();
    if (!looks_first) {
        warn_of_duration(turn, session, limits);
    }
    session.due = next_due(session, warnings);
    const Boottime look = idle_look(session, warnings);
    if (looks_first || look <= turn.now || (session.unseen && look != never)) {
        turn.out.effects.emplace_back(Look{session.key});
        const Boottime again = after(turn.now, Patience::looking);
        session.due = looks_first ? again : std::min(again, duration_look(session, warnings));
    }
    turn.put(session);
}

void look_first(Turn& turn, const Session& session) {
    if (session.phase == Phase::live && idle_limit(session) != unlimited_span) {
        turn.out.effects.emplace_back(Look{session.key});
    }
}

void on_activity_probed(Turn& turn, const ActivityProbed& event) {
    const Session* found = turn.state.find(event.session);
    if (found == nullptr || found->phase != Phase::live || found->logout_check != LogoutCheck::none) {
        return;
    }
    if (!event.signs) {
        return miss(turn, *found);
    }
    const Signs& signs = *event.signs;
    Session session = *found;
    session.unseen = false;
    if (signs.input) {
        session.terminal = Terminal::some;
    } else if (session.terminal != Terminal::unknown || session.admitted <= turn.now - Patience::arriving) {
        session.terminal = Terminal::none;
    }
    const Boottime used = last_use(session, signs, turn.limits(session).idle_activity.value, turn.now);
    session.seen = remembered(session, signs, turn.now);
    note_use(turn, session, used);
    judge_idleness(turn, session);
}

void on_input_received(Turn& turn, const InputReceived& event) {
    const Session* found = turn.state.find(event.session);
    if (found == nullptr || found->phase != Phase::live) {
        return;
    }
    Session session = *found;
    note_use(turn, session, turn.now);
    session.due = due_of(turn, session, turn.warnings(session, turn.limits(session)));
    turn.put(session);
}

void on_clock_changed(Turn& turn, const ClockChanged&) {
    for (const auto& [key, session] : turn.state.sessions()) {
        look_first(turn, session);
    }
}

void review(const Turn& turn, Session& session, bool surprised) {
    const policy::Limits limits = turn.limits(session);
    const bool enforced = limits.mode.value == policy::Mode::enforce;
    const bool spared = session.observed && enforced;
    const bool other_duration = session.max_duration != limits.max_duration.value;
    const bool other_idle = session.idle_timeout != limits.idle_timeout.value ||
                            session.idle_timeout_no_terminal != limits.idle_timeout_no_terminal.value;
    Turn::count_in(session, limits);
    session.max_duration = limits.max_duration.value;
    session.idle_timeout = limits.idle_timeout.value;
    session.idle_timeout_no_terminal = limits.idle_timeout_no_terminal.value;
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
    session.due = due_of(turn, session, turn.warnings(session, limits));
}

void on_policy_changed(Turn& turn, const PolicyChanged&) {
    for (const auto& [key, session] : turn.state.sessions()) {
        Session reviewed = session;
        if (session.phase == Phase::waiting) {
            reviewed.due = turn.now; // there may be room for it now
        }
        if (session.phase == Phase::ending) {
            Turn::count_in(reviewed, turn.limits(session));
        }
        if (session.phase == Phase::reserved || session.phase == Phase::live) {
            if (release_uncounted(turn, session)) {
                continue;
            }
            review(turn, reviewed, false);
            tell_if_over(turn, reviewed);
        }
        if (reviewed != session) {
            settle(turn, reviewed, session);
        }
        if (idle_limit(reviewed) != idle_limit(session)) {
            look_first(turn, reviewed);
        }
    }
}

void on_groups_resolved(Turn& turn, const GroupsResolved& event) {
    const Session* found = turn.state.find(event.session);
    if (found == nullptr) {
        return;
    }
    Session session = *found;
    session.login.gids = event.gids;
    session.login.gids_cut = false;
    if (session.phase == Phase::ending) {
        Turn::count_in(session, turn.limits(session));
    }
    if (session.phase == Phase::reserved || session.phase == Phase::live) {
        review(turn, session, false);
    }
    settle(turn, session, *found);
    if (idle_limit(session) != idle_limit(*found)) {
        look_first(turn, session);
    }
}

} // namespace sesslimit::core
