// SPDX-License-Identifier: MIT
// Enforcement of the duration and idle limits of open sessions, and warnings before their expiry.
#include "daemon/core/activity.hpp"
#include "daemon/core/deadline.hpp"
#include "daemon/core/decision_context.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace sesslimit::core {
namespace {

/// Warns the user of the session that the limit in `reason` expires after the time `left`.
void warn(DecisionContext& context, Session& session, const policy::Limits& limits, const Reason& reason,
          Duration left) {
    session.last_notice_at = context.now;
    context.out.effects.emplace_back(Notice{.kind = Notice::Kind::warned,
                                            .session = session,
                                            .reason = reason,
                                            .left = left,
                                            .sources = sources_of(session, limits.idle_activity.value),
                                            .locks = DecisionContext::locks(session, limits, reason.cause)});
}

Reason duration_reason(const DecisionContext& context, const Session& session, const policy::Limits& limits) {
    return {.cause = Cause::duration,
            .count = 0,
            .span = session.max_duration,
            .by = {},
            .limit = context.location_of(limits.max_duration)};
}

Reason idle_reason(const DecisionContext& context, const Session& session, const policy::Limits& limits) {
    const bool no_terminal = !session.graphical && session.terminal != Terminal::some;
    const bool only_input = session.graphical || (!no_terminal && limits.idle_activity.value == policy::Activity{});
    // Until it is known whether the session has a terminal, the shorter of the two limits applies.
    const bool is_other = no_terminal && idle_limit(session) == session.idle_timeout_no_terminal;
    return {.cause = Cause::idle,
            .count = only_input ? 0U : 1U,
            .span = idle_limit(session),
            .by = {},
            .limit = context.location_of(is_other ? limits.idle_timeout_no_terminal : limits.idle_timeout)};
}

void warn_of_duration(DecisionContext& context, Session& session, const policy::Limits& limits) {
    const auto warning = duration_warning(session, context.warnings(session, limits), context.now);
    if (warning && duration_end(session) > context.now) {
        session.duration_warned = *warning;
        warn(context, session, limits, duration_reason(context, session, limits), duration_end(session) - context.now);
    }
}

/// Records an activity. `traffic` is the data on the session's connections; null: it has not changed.
void record_use(DecisionContext& context, Session& session, const Use& use,
                std::shared_ptr<const SessionTraffic> traffic = {}) {
    const BootTime before = last_use_of(session);
    if (traffic && !traffic->sampling && before > session.last_input) {
        // The connections no longer count, for example because the session has opened a socket. Their use so far stays.
        session.last_source = last_source_of(session);
        session.last_input = before;
    }
    if (use.at > session.last_input) {
        session.last_input = use.at;
        session.last_source = use.source;
    }
    if (traffic) {
        session.traffic = std::move(traffic);
    }
    if (last_use_of(session) <= before) {
        return;
    }
    const bool was_warned = is_idle_warned(session);
    session.idle_warned = unlimited_duration;
    if (was_warned) {
        session.last_notice_at = context.now;
        context.notify(Notice::Kind::kept, session);
    }
}

/// Records that the session is assumed to be in use.
void assume_use(DecisionContext& context, Session& session) {
    record_use(context, session, {context.now, Source::none});
}

/// Locks the screen of a session whose idle limit has expired, and restarts the idle time at 0. If the limit expires
/// again without activity of the user, the screen is not locked a second time.
void lock_screen(DecisionContext& context, Session& session, const Reason& reason) {
    if (context.limits(session).mode.value == policy::Mode::observe) {
        return begin_termination(context, session, reason);
    }
    if (session.idle_warned != screen_locked) {
        context.out.effects.emplace_back(Lock{session.logind_id});
        context.notify(Notice::Kind::locked, session, reason);
    }
    session.last_input = context.now;
    session.idle_warned = screen_locked;
    session.due = next_due(session, context.warnings(session, context.limits(session)));
    context.put(session);
}

/// Grants the session a grace period as long as its longest warning. Called if a limit expired before the user was
/// warned, because the host was suspended or the daemon was not running.
void grant_grace_period(const DecisionContext& context, Session& session, const std::vector<Duration>& warnings) {
    session.grace_until = after(context.now, warnings.front());
}

/// Lets an admitted session become active although logind has not announced it, for example because pam_systemd is
/// missing in the PAM stack. Its terminals and processes are found from its leader. If logind announces the session
/// later, the session joins it (logind_events.cpp).
void activate_without_logind(DecisionContext& context, Session session) {
    session.phase = Phase::active;
    session.due = next_due(session, context.warnings(session, context.limits(session)));
    context.put(session);
    context.out.effects.emplace_back(ReportMissingLogind{session});
    context.offer_missed_reason(session);
    context.request_first_probe(session);
}

void evaluate_idle(DecisionContext& context, Session session) {
    const policy::Limits limits = context.limits(session);
    const Reason reason = idle_reason(context, session, limits);
    const std::vector<Duration> warnings = context.warnings(session, limits);
    if (session.idle_warned == screen_locked && !DecisionContext::locks(session, limits, reason.cause)) {
        // The screen of the session was locked under an earlier policy, but the current policy terminates idle sessions
        // instead. The user must be warned before the termination.
        session.idle_warned = unlimited_duration;
    }
    if (idle_end(session) <= context.now && DecisionContext::locks(session, limits, reason.cause)) {
        return lock_screen(context, session, reason); // locking a screen does no harm, so no warning is required
    }
    if (idle_end(session) <= context.now && is_idle_warning_owed(session, warnings)) {
        grant_grace_period(context, session, warnings);
    }
    const BootTime end = idle_end(session);
    if (end <= context.now) {
        return begin_termination(context, session, reason);
    }
    warn_of_duration(context, session, limits);
    if (const auto warning = idle_warning(session, warnings, context.now)) {
        session.idle_warned = *warning;
        warn(context, session, limits, reason, end - context.now);
    }
    session.due = session.observed ? never : next_due(session, warnings);
    context.put(session);
}

/// Handles a failed activity probe of a session, and repeats the probe later. Because the session could be active, its
/// idle limit is not enforced until a probe succeeds. The duration limit is enforced without probes.
void on_probe_failed(DecisionContext& context, Session session) {
    const policy::Limits limits = context.limits(session);
    const std::vector<Duration> warnings = context.warnings(session, limits);
    session.probe_failed = true;
    if (is_output_awaited(session, limits.idle_activity.value) && duration_warning(session, warnings, context.now)) {
        // Output on the terminal counts as activity, but the failed probe could not read when it occurred. The warning
        // that is written now overwrites that time, so activity is assumed.
        assume_use(context, session);
    }
    warn_of_duration(context, session, limits);
    session.due = session.observed
                      ? never
                      : std::min(after(context.now, Timeouts::probe_retry), next_duration_check(session, warnings));
    context.put(session);
}

/// Repeats a sample of a session's connections after a second if data was in flight (is_in_flight()). The idle limit is
/// not evaluated before. Returns false if the sample is used.
bool repeats_sample(DecisionContext& context, Session session, const TrafficSample& sample) {
    const std::vector<Duration> warnings = context.warnings(session, context.limits(session));
    if (next_idle_check(session, warnings) > context.now || !is_in_flight(traffic_of(session), sample, context.now)) {
        return false;
    }
    SessionTraffic traffic = traffic_of(session);
    traffic.was_in_flight = true;
    session.traffic = std::make_shared<const SessionTraffic>(std::move(traffic));
    session.due = std::min(after(context.now, shortest_window), next_duration_check(session, warnings));
    context.put(session);
    return true;
}

/// Returns an activity sample with new counters of the session's connections, and with what the last activity probe has
/// found out about the channels and the terminals of the session.
ActivitySample with_last_values(const Session& session, const TrafficSample& traffic) {
    ActivitySample sample;
    static_cast<TrafficSample&>(sample) = traffic;
    sample.has_channel = traffic_of(session).has_channel;
    if (session.terminal == Terminal::some) {
        sample.input = session.last_sample.input;
    }
    return sample;
}

/// Returns the maximum time between two samples of connections of a session that a login at the limit may displace by
/// its activity. Otherwise returns unlimited_duration.
Duration sampling_for_displacement(const policy::Limits& limits) {
    const bool is_counted = limits.max_sessions.value != policy::unlimited_count;
    return is_counted && policy::displaces_by_activity(limits) ? Timeouts::displacement_sample_interval
                                                               : unlimited_duration;
}

/// Returns SessionTraffic::sampling.
std::optional<Duration> sampling_of(const Session& session, const SessionTraffic& traffic, bool has_terminal,
                                    const policy::Limits& limits) {
    return !session.graphical && is_traffic_counted(traffic, has_terminal, limits.idle_activity.value)
               ? std::optional(sampling_for_displacement(limits))
               : std::nullopt;
}

/// Returns true if the ssh connection has sent data that is not use of its terminals. It can be that of a channel
/// without a terminal, which was opened after the last activity probe.
bool has_other_data(const SessionTraffic& traffic, const TrafficSample& sample) {
    const SocketSample& before = traffic.forwarded.connection;
    if (traffic.has_channel || !sample.connection || sample.connection->cookie != before.cookie) {
        return false;
    }
    const std::uint64_t in = increase(before.segments_in, sample.connection->segments_in);
    const std::uint64_t out = increase(before.segments_out, sample.connection->segments_out);
    const std::uint64_t bytes = increase(before.bytes_out, sample.connection->bytes_out);
    return out > in || bytes > TrafficHistory::max_size * out;
}

/// Returns the data on the session's connections with the sample of an activity probe. Returns null if no connection
/// was ever found.
std::shared_ptr<const SessionTraffic> traffic_with(const Session& session, const ActivitySample& sample,
                                                   const policy::Limits& limits, BootTime now) {
    if (!session.traffic && !sample.connection && !sample.sockets) {
        return {};
    }
    const policy::Activity counted = limits.idle_activity.value;
    const bool has_terminal = sample.input.has_value();
    SessionTraffic traffic = with_sample(traffic_of(session), sample, now);
    traffic.sampling = sampling_of(session, traffic, has_terminal, limits);
    traffic.use = last_use_by_traffic(traffic, has_terminal, counted);
    return std::make_shared<const SessionTraffic>(std::move(traffic));
}

/// Returns true if a login of the user waits for a session slot. The login may displace a session by its activity.
bool is_login_waiting(const DecisionContext& context, uid_t user) {
    return std::ranges::any_of(context.state.of_user(user),
                               [&context](SessionKey key) { return context.state.at(key).phase == Phase::waiting; });
}

/// Decides again about the logins of a user that wait for the results of activity probes.
void continue_waiting_logins(DecisionContext& context, uid_t user) {
    for (const SessionKey key : context.state.of_user(user)) {
        const Session& login = context.state.at(key);
        if (login.phase == Phase::waiting && !login.awaits_logout && login.due < login.answer_by) {
            Session waiting = login;
            waiting.due = context.now;
            context.put(waiting);
        }
    }
}

} // namespace

BootTime due_of(const DecisionContext& context, const Session& session, const std::vector<Duration>& warnings) {
    const BootTime due = next_due(session, warnings);
    const bool repeats = session.logout_check != LogoutCheck::none ||
                         (session.probe_failed && next_idle_check(session, warnings) != never);
    return repeats ? std::min(due, after(context.now, Timeouts::probe_retry)) : due;
}

void serve_limits(DecisionContext& context, Session session) {
    if (session.phase == Phase::admitted && logind_deadline(session) <= context.now) {
        return activate_without_logind(context, session);
    }
    if (session.logout_check != LogoutCheck::none) {
        return check_logout(context, session);
    }
    if (session.phase == Phase::left_behind && !is_limited(session)) {
        context.out.effects.emplace_back(ProbeActivity{session.key});
        session.due = after(context.now, Timeouts::probe_retry);
        return context.put(session);
    }
    const policy::Limits limits = context.limits(session);
    const std::vector<Duration> warnings = context.warnings(session, limits);
    if (duration_end(session) <= context.now && is_duration_warning_owed(session, warnings)) {
        grant_grace_period(context, session, warnings);
    }
    if (duration_end(session) <= context.now) {
        return begin_termination(context, session, duration_reason(context, session, limits));
    }
    // If output counts as activity, the terminals are probed before the daemon writes a warning to them. The function
    // on_activity_probed() issues the warning after the probe.
    const bool probes_first = is_output_awaited(session, limits.idle_activity.value) &&
                              duration_warning(session, warnings, context.now).has_value();
    if (!probes_first) {
        warn_of_duration(context, session, limits);
    }
    session.due = next_due(session, warnings);
    const BootTime look = next_idle_check(session, warnings);
    if (probes_first || look <= context.now || (session.probe_failed && look != never)) {
        if (!probes_first && is_only_traffic_due(session, warnings, context.now)) {
            context.out.effects.emplace_back(SampleTraffic{session.key});
        } else {
            context.out.effects.emplace_back(ProbeActivity{session.key});
        }
        const BootTime again = after(context.now, Timeouts::probe_retry);
        session.due = probes_first ? again : std::min(again, next_duration_check(session, warnings));
    }
    context.put(session);
}

void on_activity_probed(DecisionContext& context, const ActivityProbed& event) {
    const Session* found = context.state.find(event.session);
    if (found == nullptr || !is_probed(*found) || found->logout_check != LogoutCheck::none) {
        return;
    }
    continue_waiting_logins(context, found->login.uid);
    if (!event.sample) {
        return on_probe_failed(context, *found);
    }
    if (!is_login_waiting(context, found->login.uid) && repeats_sample(context, *found, *event.sample)) {
        return;
    }
    ActivitySample sample = *event.sample;
    Session session = *found;
    session.probe_failed = false;
    if (sample.input) {
        session.terminal = Terminal::some;
    } else if (session.terminal != Terminal::unknown || session.admitted <= context.now - Timeouts::terminal_setup) {
        session.terminal = Terminal::none;
    }
    const policy::Limits limits = context.limits(session);
    const policy::Activity counted = limits.idle_activity.value;
    if (!is_login_waiting(context, session.login.uid) &&
        !is_processor_time_due(session, context.warnings(session, limits), context.now)) {
        sample.processor_time.reset();
    }
    const Use used = last_use(session, sample, counted, context.now);
    // The login at the limit may have a shorter displace_idle than this session.
    const Duration idle =
        std::clamp<Duration>(limits.displace_idle.value.time, shortest_window, std::chrono::minutes(1));
    if (was_perhaps_busy(session, sample, counted, idle)) {
        session.perhaps_used = context.now;
    }
    session.is_used_by_mosh = session.phase == Phase::left_behind && is_mosh(session, sample);
    session.last_sample = to_last_sample(session, sample, context.now);
    record_use(context, session, used, traffic_with(session, sample, limits, context.now));
    if (is_limited(session)) {
        session.longest_idle =
            std::max(session.longest_idle, idle_time(session, sample, last_use_of(session), context.now));
    }
    if (session.phase == Phase::left_behind) {
        if (!is_limited(session)) {
            session.due =
                std::max(next_due(session, context.warnings(session, limits)), after(context.now, shortest_window));
            return context.put(session);
        }
    }
    evaluate_idle(context, session);
}

void on_traffic_sampled(DecisionContext& context, const TrafficSampled& event) {
    const Session* found = context.state.find(event.session);
    if (found == nullptr || !is_probed(*found) || found->logout_check != LogoutCheck::none) {
        return;
    }
    if (!event.sample) {
        return on_probe_failed(context, *found);
    }
    if (repeats_sample(context, *found, *event.sample)) {
        return;
    }
    Session session = *found;
    const policy::Limits limits = context.limits(session);
    if (has_other_data(traffic_of(session), *event.sample)) {
        context.out.effects.emplace_back(ProbeActivity{session.key});
        return; // the session is due again if the probe is not answered
    }
    const ActivitySample sample = with_last_values(session, *event.sample);
    SessionTraffic traffic = with_sample(traffic_of(session), sample, context.now);
    traffic.sampling = sampling_of(session, traffic, sample.input.has_value(), limits);
    traffic.use = last_use_by_traffic(traffic, sample.input.has_value(), limits.idle_activity.value);
    record_use(context, session, {session.last_input, session.last_source},
               std::make_shared<const SessionTraffic>(std::move(traffic)));
    if (is_limited(session) && session.terminal == Terminal::none) {
        session.longest_idle =
            std::max(session.longest_idle, idle_time(session, sample, last_use_of(session), context.now));
    }
    session.due = session.observed ? never : due_of(context, session, context.warnings(session, limits));
    context.put(session);
}

void on_input_received(DecisionContext& context, const InputReceived& event) {
    const Session* found = context.state.find(event.session);
    if (found == nullptr || !is_limited(*found)) {
        return;
    }
    Session session = *found;
    record_use(context, session, {context.now, Source::input});
    session.due = due_of(context, session, context.warnings(session, context.limits(session)));
    context.put(session);
}

void on_terminal_opened(DecisionContext& context, const TerminalOpened& event) {
    for (const SessionKey key : context.state.of_user(event.owner)) {
        if (is_idle_warned(context.state.at(key))) {
            context.out.effects.emplace_back(ProbeActivity{key});
        }
    }
}

void on_clock_changed(DecisionContext& context, const ClockChanged&) {
    for (const auto& [key, session] : context.state.sessions()) {
        if (is_input_undated(session)) {
            Session used = session;
            assume_use(context, used);
            context.put(used);
        }
        context.request_first_probe(session);
    }
}

} // namespace sesslimit::core
