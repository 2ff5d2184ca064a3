// SPDX-License-Identifier: MIT
#include "daemon/api/outcome.hpp"
#include "daemon/core/deadline.hpp"
#include "daemon/core/decide.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

#include <functional>
#include <memory>

namespace {

using namespace sesslimit;
using namespace sesslimit::api;
using namespace std::chrono_literals;

/// The text must agree with the decision about a real request in the same state.
SESSLIMIT_TEST(expected_outcome_is_decision_about_same_login) {
    using test::Rules;
    using test::with_total;
    struct Case {
        policy::Policy policy;
        int sessions; ///< number of open sessions of alice before
        std::string_view text;
        std::string_view decision;
    };
    const auto of = [](const Rules& rules) { return test::policy_of(rules); };
    policy::Policy ignoring = of({.max = 0});
    ignoring.host.ignore_services = policy::Setting<std::vector<std::string>>{{"sshd"}, policy::SourceId{0}, 1};
    const Case cases[] = {
        {of({}), 1, "would be admitted: 1 sessions are open, and max_sessions is unlimited", "admitted"},
        {of({.max = 2}), 1, "would be admitted: 1 of 2 sessions are open", "admitted"},
        {of({.max = 1}), 1, "would be denied: 1 of 1 sessions are open", "denied"},
        {of({.max = 1, .mode = policy::Mode::observe}), 1,
         "would be admitted, because the mode observe does not enforce limits: 1 of 1 sessions are open", "admitted"},
        {of({.max = 1, .at_limit = policy::AtLimit::end_oldest}), 1,
         "would be admitted after the termination of another session: 1 of 1 sessions are open", "displaced"},
        {of({.max = 1, .at_limit = policy::AtLimit::end_oldest, .displace_idle = std::chrono::minutes(1)}), 1,
         "would be admitted if another session has been idle for 1min: 1 of 1 sessions are open", "denied"},
        {of({.max = 0, .at_limit = policy::AtLimit::end_oldest}), 0, "would be denied: 0 of 0 sessions are open",
         "denied"},
        {with_total({.max = 5, .at_limit = policy::AtLimit::end_oldest}, 2), 2,
         "would be denied: the sessions that match a rule have reached the limit max_sessions_total = 2", "denied"},
        {ignoring, 0, "would be admitted, but would not count as a session", "uncounted"},
        {of({.max = 3, .fleet = 5}), 1,
         "would be admitted if fewer than 5 sessions are open on all hosts: 1 of 3 sessions are open", "claim 2"},
        {of({.max = 1, .fleet = 5}), 1, "would be denied: 1 of 1 sessions are open", "denied"},
    };
    for (const Case& one : cases) {
        test::World world;
        world.policy = of({});
        for (int number = 0; number < one.sessions; ++number) {
            world.login(test::ssh());
        }
        world.policy = one.policy;
        world.feed(core::PolicyChanged{});
        world.fleet_is(core::FleetState::up);
        EXPECT_TEXT(expected_outcome(world.state, world.policy, test::ssh(), world.now).text, std::string(one.text));
        (void)world.take_log();
        world.ask(test::ssh());
        world.pass(5s); // a login that waits for a slot gets it
        const std::string log = world.take_log();
        EXPECT(log.find(one.decision) != std::string::npos, log);
    }
}

constexpr WallClock moment{.now = BootTime(1h), .wall_offset = 1000h};

/// Returns a session with a terminal that was opened 10 min ago and used 5 min ago.
core::Session open_session() {
    core::Session session = test::session_in(core::Phase::active);
    session.opened = BootTime(50min);
    session.last_input = BootTime(55min);
    session.terminal = core::Terminal::some;
    session.max_duration = 8h;
    session.idle_timeout = 30min;
    session.idle_timeout_no_terminal = 20min;
    return session;
}

SESSLIMIT_TEST(session_outcome_names_limits_and_remaining_times) {
    struct Case {
        std::string_view text;
        std::function<void(core::Session&, policy::Limits&)> change;
    };
    const Case cases[] = {
        {"max_duration = 8h terminates it in 7h 50min, idle_timeout = 30min terminates it in 25min without activity",
         [](auto&, auto&) {}},
        {"max_duration is unlimited, idle_timeout is unlimited",
         [](core::Session& session, auto&) {
             session.max_duration = session.idle_timeout = session.idle_timeout_no_terminal = unlimited_duration;
         }},
        {"max_duration = 8h terminates it in 7h 50min, idle_timeout_no_terminal = 20min does not apply, because its "
         "activity cannot be observed",
         [](core::Session& session, auto&) {
             session.terminal = core::Terminal::none;
             core::SessionTraffic traffic;
             traffic.sockets.sampled = BootTime(55min);
             session.traffic = std::make_shared<const core::SessionTraffic>(traffic);
         }},
        {"max_duration is unlimited, idle_timeout = 30min does not apply, because its activity cannot be observed",
         [](core::Session& session, auto&) {
             session.login.service = "cockpit";
             session.max_duration = unlimited_duration;
         }},
        {"max_duration is unlimited, idle_timeout = 30min locks its screen in 25min without activity",
         [](core::Session& session, policy::Limits& limits) {
             session.graphical = true;
             session.max_duration = unlimited_duration;
             limits.on_idle.value = policy::OnIdle::lock;
         }},
        {"max_duration = 8h terminates it in 7h 50min, idle_timeout = 30min terminates it in 25min without activity, "
         "and the mode observe does not enforce limits",
         [](auto&, policy::Limits& limits) { limits.mode.value = policy::Mode::observe; }},
        {"max_duration = 8h terminates it in 7h 50min, idle_timeout = 30min does not apply until logind has announced "
         "it",
         [](core::Session& session, auto&) { session.phase = core::Phase::admitted; }},
        {"is left behind, and no limit applies to it",
         [](core::Session& session, auto&) { session.phase = core::Phase::left_behind; }},
        {"max_duration = 8h terminates it in 7h 50min, idle_timeout = 30min terminates it in 25min without activity",
         [](core::Session& session, auto&) {
             session.phase = core::Phase::left_behind;
             session.limits_left_behind = true;
         }},
        {"waits for the answer of the fleet",
         [](core::Session& session, auto&) { session.phase = core::Phase::asking; }},
        {"waits for the end of another session",
         [](core::Session& session, auto&) { session.phase = core::Phase::waiting; }},
        {"is being terminated: maximum duration of 8h reached",
         [](core::Session& session, auto&) {
             session.phase = core::Phase::ending;
             session.reason = {.cause = core::Cause::duration, .count = 0, .span = 8h, .by = {}};
         }},
    };
    for (const Case& one : cases) {
        core::Session session = open_session();
        policy::Limits limits;
        one.change(session, limits);
        EXPECT_TEXT(session_outcome(session, limits, {}, moment), std::string(one.text));
    }
}

SESSLIMIT_TEST(expected_outcome_without_the_fleet) {
    struct Case {
        test::Rules rules;
        std::string_view text;
    };
    const Case cases[] = {
        {{.fleet = 2}, "would be admitted: 1 sessions are open, and max_sessions is unlimited"},
        {{.fleet = 1}, "would be denied: limit of 1 session on all hosts reached"},
        {{.fleet = 2, .on_fleet_error = policy::OnFleetError::deny},
         "would be denied: limit of 2 sessions on all hosts cannot be checked"},
    };
    for (const Case& one : cases) {
        test::World world;
        world.login(test::ssh());
        world.set(one.rules);
        EXPECT_TEXT(expected_outcome(world.state, world.policy, test::ssh(), world.now).text, std::string(one.text));
    }
}

/// The terminal had input that no probe has seen yet.
SESSLIMIT_TEST(session_outcome_considers_latest_input) {
    core::Session session = open_session();
    session.max_duration = unlimited_duration;
    const inspect::TerminalSnapshot presence{.terminals = {"pts/1"}, .input = 59min + moment.wall_offset};
    EXPECT_TEXT(session_outcome(session, {}, presence, moment),
                "max_duration is unlimited, idle_timeout = 30min terminates it in 29min without activity");
}

SESSLIMIT_TEST(preview_contains_denial_only_if_it_is_new) {
    struct Case {
        test::Rules changed;
        std::string_view denial;
        std::string session = "c1";
    };
    const Case cases[] = {
        {{.max = 3}, ""},
        {{.max = 2}, "would be denied: 2 of 2 sessions are open"},
        {{.max = 2}, "", ""},
        {{.max = 2}, "", "c9"},
        {{.max = 2, .at_limit = policy::AtLimit::end_oldest}, ""},
        {{.max = 2, .mode = policy::Mode::observe}, ""},
        {{.max = 0}, "would be denied: 2 of 0 sessions are open"},
    };
    for (const Case& one : cases) {
        test::World world;
        world.login(test::ssh());
        world.login(test::ssh());
        const policy::Policy changed = test::policy_of(one.changed);
        EXPECT_TEXT(preview_of(world.state, world.policy, changed, one.session, world.now).denial,
                    std::string(one.denial));
        EXPECT_TEXT(preview_of(world.state, test::policy_of({.max = 1}), changed, one.session, world.now).denial, "");
    }
}

/// A limit that has already expired terminates a session only after a grace period.
SESSLIMIT_TEST(preview_has_the_times_of_the_core) {
    test::World world({.duration = 8h});
    const SessionKey session = world.login();
    world.pass(1h);
    const policy::Policy changed = test::policy_of({.duration = 30min});
    const core::State after = preview_of(world.state, world.policy, changed, "", world.now).state;
    EXPECT(core::duration_end(after.at(session)) == world.now + core::Timeouts::grace_period, "grace period");
    world.set({.duration = 30min});
    EXPECT(after.at(session) == world.state.at(session), "as after the change");
}

} // namespace
