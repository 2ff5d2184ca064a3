// SPDX-License-Identifier: MIT
#include "daemon/core/deadline.hpp"

#include "daemon/core/activity.hpp"
#include "daemon/core/decide.hpp"

#include <algorithm>

namespace sesslimit::core {
namespace {

/// Number of samples of a session's connections within its idle limit.
constexpr int samples_per_idle_limit = 20;

/// Start and expiry of a limit (duration or idle time) of a session. `warned` is the time before the expiry at which
/// the last warning about the limit was issued.
struct LimitWindow {
    BootTime from;
    BootTime end;
    Duration warned;
};

LimitWindow duration_of(const Session& session) {
    return {session.opened, duration_end(session), session.duration_warned};
}

LimitWindow idleness_of(const Session& session) {
    return {last_use_of(session), idle_end(session), session.idle_warned};
}

/// Returns true if a warning about a limit must still be issued. `warning` is the time from the warning to the expiry
/// of the limit. A warning as long as the limit itself is never issued, because it would appear at login.
bool is_owed(const LimitWindow& course, Duration warning) {
    return course.end != never && warning < course.warned && course.end - warning > course.from;
}

bool is_unwarned(const LimitWindow& course, const std::vector<Duration>& warn_before) {
    return course.warned == unlimited_duration &&
           std::ranges::any_of(warn_before, [&course](Duration warning) { return is_owed(course, warning); });
}

std::optional<Duration> warning_due(const LimitWindow& course, const std::vector<Duration>& warn_before, BootTime now) {
    std::optional<Duration> due;
    for (const Duration warning : warn_before) {
        if (is_owed(course, warning) && course.end - warning <= now) {
            due = warning;
        }
    }
    return due;
}

BootTime next_moment(const LimitWindow& course, const std::vector<Duration>& warn_before) {
    for (const Duration warning : warn_before) {
        if (is_owed(course, warning)) {
            return course.end - warning;
        }
    }
    return course.end;
}

BootTime limit_end(BootTime from, Duration limit, BootTime grace_until) {
    return limit == unlimited_duration ? never : std::max(after(from, limit), grace_until);
}

/// Returns the time of the next probe that checks whether the session has gained or lost a terminal, which changes its
/// idle limit. For example, a user can open the first shell of an ssh connection, or close its last shell. The time
/// between two checks is the shorter of the session's two idle limits.
BootTime next_terminal_check(const Session& session) {
    const Duration other = std::min(session.idle_timeout, session.idle_timeout_no_terminal);
    const bool may_change = is_limited(session) && !session.graphical && other != unlimited_duration;
    return may_change ? after(session.last_sample.at, other) : never;
}

/// Returns the time of the next probe that samples the connections of the session. Samples are needed during the whole
/// idle time, because background traffic is recognized by its regularity. They are taken at multiples of the interval,
/// so that sessions with the same idle limit share them.
BootTime next_traffic_sample(const Session& session) {
    const Duration limit = idle_limit(session);
    const std::optional<Duration> sampling = traffic_of(session).sampling;
    Duration interval = sampling.value_or(unlimited_duration);
    if (sampling && limit != unlimited_duration) {
        const Duration longest = is_idle_warned(session) ? Timeouts::warned_sample_interval : limit;
        interval = std::min({interval, longest, limit / samples_per_idle_limit});
    }
    if (!is_limited(session) || interval == unlimited_duration) {
        return never;
    }
    interval = std::max(interval, shortest_window);
    const BootTime last = std::max(session.last_sample.at, traffic_of(session).sampled);
    const BootTime next{last.time_since_epoch() / interval * interval + interval};
    return next - last < shortest_window ? next + interval : next;
}

/// Returns the time of the next probe that checks whether a session that is left behind is used by mosh. The session is
/// probed when its duration limit would expire or require a warning, and after each period as long as its shortest
/// limit. A session without limits is not probed.
BootTime next_mosh_check(const Session& session, const std::vector<Duration>& warn_before) {
    const Duration limit = std::min({session.max_duration, session.idle_timeout, session.idle_timeout_no_terminal});
    if (limit == unlimited_duration) {
        return never;
    }
    const BootTime last = std::max(session.last_sample.at, session.logged_out);
    const BootTime end = limit_end(session.opened, session.max_duration, session.grace_until);
    BootTime next = after(last, limit);
    const auto check_at = [&next, last](BootTime time) { next = time > last ? std::min(next, time) : next; };
    check_at(end);
    std::ranges::for_each(warn_before, [&](Duration warning) { check_at(end - warning); });
    return next;
}

} // namespace

BootTime duration_end(const Session& session) {
    const bool is_left = session.phase == Phase::left_behind && !is_limited(session);
    return is_left ? never : limit_end(session.opened, session.max_duration, session.grace_until);
}

Duration idle_limit(const Session& session) {
    if (is_web(session)) {
        return unlimited_duration;
    }
    switch (session.graphical ? Terminal::some : session.terminal) {
    case Terminal::some:
        return session.idle_timeout;
    case Terminal::none:
        return session.idle_timeout_no_terminal;
    case Terminal::unknown:
        break;
    }
    return std::min(session.idle_timeout, session.idle_timeout_no_terminal);
}

BootTime idle_end(const Session& session) {
    return is_limited(session) ? limit_end(last_use_of(session), idle_limit(session), session.grace_until) : never;
}

BootTime logind_deadline(const Session& session) {
    return after(session.admitted, Timeouts::logind_wait);
}

std::optional<Duration> duration_warning(const Session& session, const std::vector<Duration>& warn_before,
                                         BootTime now) {
    return warning_due(duration_of(session), warn_before, now);
}

std::optional<Duration> idle_warning(const Session& session, const std::vector<Duration>& warn_before, BootTime now) {
    return warning_due(idleness_of(session), warn_before, now);
}

bool is_duration_warning_owed(const Session& session, const std::vector<Duration>& warn_before) {
    return is_unwarned(duration_of(session), warn_before);
}

bool is_idle_warning_owed(const Session& session, const std::vector<Duration>& warn_before) {
    return is_unwarned(idleness_of(session), warn_before);
}

BootTime next_duration_check(const Session& session, const std::vector<Duration>& warn_before) {
    return next_moment(duration_of(session), warn_before);
}

bool is_processor_time_due(const Session& session, const std::vector<Duration>& warn_before, BootTime now) {
    const BootTime compared = session.last_sample.processor_at;
    return compared == BootTime{} || after(compared, idle_limit(session)) <= now ||
           next_moment(idleness_of(session), warn_before) <= now;
}

BootTime next_idle_check(const Session& session, const std::vector<Duration>& warn_before) {
    const BootTime due = next_moment(idleness_of(session), warn_before);
    const BootTime sample = next_traffic_sample(session);
    // A sample would make the one of the probe useless, which must not be less than shortest_window later.
    const bool is_too_late = due != never && sample > due - shortest_window;
    return is_too_late ? due : std::min(due == never ? next_terminal_check(session) : due, sample);
}

bool is_only_traffic_due(const Session& session, const std::vector<Duration>& warn_before, BootTime now) {
    return session.terminal != Terminal::unknown && next_traffic_sample(session) <= now && !session.probe_failed &&
           !is_idle_warned(session) && next_moment(idleness_of(session), warn_before) > now &&
           next_terminal_check(session) > now;
}

BootTime next_due(const Session& session, const std::vector<Duration>& warn_before) {
    if (session.phase == Phase::left_behind && !is_limited(session)) {
        return next_mosh_check(session, warn_before);
    }
    const BootTime due = std::min(next_duration_check(session, warn_before), next_idle_check(session, warn_before));
    return session.phase == Phase::admitted ? std::min(due, logind_deadline(session)) : due;
}

} // namespace sesslimit::core
