// SPDX-License-Identifier: MIT
#include "daemon/api/outcome.hpp"

#include "common/duration.hpp"
#include "daemon/core/activity.hpp"
#include "daemon/core/deadline.hpp"
#include "daemon/core/decide.hpp"
#include "daemon/policy/resolve.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace sesslimit::api {
namespace {

LoginOutcome denial_outcome(const core::Reason& reason, const std::string& open_sessions) {
    if (reason.cause == core::Cause::fleet_limit_reached || reason.cause == core::Cause::fleet_unavailable) {
        return {.is_denied = true, .text = "would be denied: " + messages::reason_text(reason)};
    }
    return {.is_denied = true,
            .text = "would be denied: " +
                    (reason.by.empty() ? open_sessions
                                       : "the sessions that match a rule have reached the limit max_sessions_total = " +
                                             std::to_string(reason.count))};
}

/// Returns the outcome of a login that is not answered immediately. Such a login waits for the slot of another session,
/// or is denied later. A login that waits for the state of its user's connections is denied with at_limit = "deny" and
/// at the limit on the rate of displacements, unless a client is dead, which is not checked here.
LoginOutcome outcome_without_answer(const core::Decision& decision, const policy::Limits& limits, bool is_rate_limited,
                                    const std::string& open_sessions) {
    for (const core::Record& record : decision.records) {
        const auto* put = std::get_if<core::Put>(&record);
        if (put != nullptr && put->session.phase == core::Phase::denied) {
            return denial_outcome(put->session.reason, open_sessions);
        }
        if (put != nullptr && put->session.phase == core::Phase::asking) {
            return {.is_denied = false,
                    .text = "would be admitted if fewer than " + std::to_string(put->session.fleet_limit) +
                            " sessions are open on all hosts: " + open_sessions};
        }
    }
    if (limits.at_limit.value == policy::AtLimit::deny || is_rate_limited) {
        return denial_outcome({}, open_sessions);
    }
    const Duration idle = limits.displace_idle.value.time;
    return {.is_denied = false,
            .text = idle > Duration{} ? "would be admitted if another session has been idle for " + format_span(idle) +
                                            ": " + open_sessions
                                      : "would be admitted after the termination of another session: " + open_sessions};
}

/// Returns the part of the sentence about max_duration.
std::string duration_outcome(const core::Session& session, BootTime now) {
    const BootTime end = core::duration_end(session);
    return end == never
               ? "max_duration is unlimited"
               : "max_duration = " + format_span(session.max_duration) + " terminates it in " + format_span(end - now);
}

/// Returns the part of the sentence about the idle limit, which expires at `ends_at`.
std::string idle_outcome(const core::Session& session, const policy::Limits& limits, std::uint64_t ends_at,
                         const WallClock& moment) {
    const Duration limit = core::is_web(session) ? session.idle_timeout : core::idle_limit(session);
    if (limit == unlimited_duration) {
        return "idle_timeout is unlimited";
    }
    const std::string setting =
        (limit == session.idle_timeout ? "idle_timeout = " : "idle_timeout_no_terminal = ") + format_span(limit);
    if (session.phase == core::Phase::admitted) {
        return setting + " does not apply until logind has announced it";
    }
    if (ends_at == infinity) {
        return setting + " does not apply, because its activity cannot be observed";
    }
    const Duration left =
        Duration(static_cast<Duration::rep>(ends_at)) - moment.wall_offset - moment.now.time_since_epoch();
    const bool locks = session.graphical && limits.on_idle.value == policy::OnIdle::lock;
    return setting + (locks ? " locks its screen in " : " terminates it in ") + format_span(left) + " without activity";
}

} // namespace

std::string session_outcome(const core::Session& session, const policy::Limits& limits,
                            const inspect::TerminalSnapshot& presence, const WallClock& moment) {
    if (session.phase == core::Phase::asking) {
        return "waits for the answer of the fleet";
    }
    if (session.phase == core::Phase::waiting) {
        return "waits for the end of another session";
    }
    if (session.phase == core::Phase::ending) {
        return "is being terminated: " + messages::reason_text(session.reason);
    }
    if (session.phase == core::Phase::left_behind && !core::is_limited(session)) {
        return "is left behind, and no limit applies to it";
    }
    const std::uint64_t ends_at = idle_times(session, limits, presence, moment).ends_at;
    return duration_outcome(session, moment.now) + ", " + idle_outcome(session, limits, ends_at, moment) +
           (limits.mode.value == policy::Mode::observe ? ", and the mode observe does not enforce limits" : "");
}

LoginOutcome expected_outcome(const core::State& state, const policy::Policy& policy, const Login& login,
                              BootTime now) {
    core::OpenRequested request;
    request.login = login;
    request.budget = unlimited_duration;
    const core::Decision decision = decide(policy, state, request, now);
    const policy::Limits limits = resolve(policy, login);
    const std::string open = std::to_string(state.counted(login.uid));
    const std::string of = limits.max_sessions.value == policy::unlimited_count
                               ? open + " sessions are open, and max_sessions is unlimited"
                               : open + " of " + std::to_string(limits.max_sessions.value) + " sessions are open";
    if (decision.answers.empty()) {
        const bool is_rate_limited = state.displacements_of(login.uid).is_limited(login.rhost, now);
        return outcome_without_answer(decision, limits, is_rate_limited, of);
    }
    const core::Answer& answer = decision.answers.front();
    if (answer.kind == core::Answer::Kind::uncounted) {
        return {.is_denied = false, .text = "would be admitted, but would not count as a session"};
    }
    if (answer.kind == core::Answer::Kind::admitted) {
        const bool is_observed = std::ranges::any_of(decision.effects, [](const core::Effect& effect) {
            const auto* notice = std::get_if<core::Notice>(&effect);
            return notice != nullptr && notice->kind == core::Notice::Kind::would_deny;
        });
        return {.is_denied = false,
                .text = (is_observed ? "would be admitted, because the mode observe does not enforce limits: "
                                     : "would be admitted: ") +
                        of};
    }
    return denial_outcome(answer.session.reason, of);
}

PolicyPreview preview_of(const core::State& state, const policy::Policy& current, const policy::Policy& changed,
                         const std::string& session, BootTime now) {
    PolicyPreview preview{.state = state, .denial = {}};
    apply(preview.state, decide(changed, state, core::PolicyChanged{}, now));
    if (const core::Session* like = session.empty() ? nullptr : find(state, session)) {
        LoginOutcome outcome = expected_outcome(preview.state, changed, like->login, now);
        if (outcome.is_denied && !expected_outcome(state, current, like->login, now).is_denied) {
            preview.denial = std::move(outcome.text);
        }
    }
    return preview;
}

} // namespace sesslimit::api
