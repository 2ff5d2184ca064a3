// SPDX-License-Identifier: MIT
// The limit over all hosts of a fleet: claims, their answers, and decisions without an answer.
#include "daemon/policy/match.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace sesslimit::core;
using Outcome = ClaimAnswered::Outcome;
using policy::AtLimit;
using policy::Mode;
using policy::OnFleetError;

/// Returns a world whose fleet answers claims.
World in_fleet(const Rules& rules) {
    World world(rules);
    world.fleet_is(FleetState::up);
    return world;
}

SESSLIMIT_TEST(login_admitted_after_claim_is_granted) {
    World world = in_fleet({.fleet = 2});
    world.ask(ssh());
    EXPECT_TEXT(world.phase(key(1)), "asking");
    EXPECT(world.state.counted(alice) == 1, "it occupies a slot of this host");
    world.pass(1s);
    world.answer_claim(key(1), Outcome::granted);
    EXPECT_TEXT(world.log, "0 claim 1; 1 admitted 501, tell admitted 1");
    world.logind_shows(key(1));
    (void)world.take_log();
    world.logout(key(1));
    EXPECT_TEXT(world.log, "1 noted 9, tell released 1, release claim of 1");
    EXPECT(world.state.claims() == 0, "no claim is left");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(module_is_asked_to_wait_once) {
    World world = in_fleet({.fleet = 2});
    world.ask(ssh(), 2s);
    EXPECT_TEXT(world.log, "0 wait 501, claim 1");
    EXPECT(world.answers.front().session.answer_by == start + 3200ms, "until the claim must be answered");
    world.ask(ssh(), 4s);
    EXPECT_TEXT(world.log, "0 wait 501, claim 1; 0 claim 2");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(login_denied_if_fleet_is_full) {
    World world = in_fleet({.fleet = 2});
    const SessionKey open = world.login_granted();
    const pid_t pid = world.ask(ssh());
    const FleetHolders holders{.count = 2, .named = {{"web1", 5}, {"web2", 6}}};
    world.feed(ClaimAnswered{.session = key(2), .outcome = Outcome::full, .holders = holders});
    EXPECT_TEXT(world.log, "0 claim 2; 0 denied 502, tell denied 2 fleet limit, release claim of 2");
    const Reason& reason = world.answers.back().session.reason;
    EXPECT(pid == 502 && reason.count == 2 && reason.holders == holders, "reason");
    EXPECT(world.reports == std::vector{open}, "the user reads it in the open session");
    EXPECT_TEXT(world.phase(key(2)), "denied");
    world.leader_exits(key(2));
    EXPECT_TEXT(world.fault, "");
}

/// What the host denies by itself never reaches the fleet.
SESSLIMIT_TEST(login_denied_by_host_does_not_claim) {
    World world = in_fleet({.max = 1, .fleet = 5});
    (void)world.login_granted();
    world.ask(ssh());
    EXPECT_TEXT(world.log, "0 denied 502, tell denied 2 limit");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(logins_outside_of_the_limit_do_not_claim) {
    World world = in_fleet({.fleet = 1});
    Login root = ssh();
    root.uid = 0;
    root.user = "root";
    world.ask(root);
    world.ask(console(alice, "su"));
    EXPECT_TEXT(world.log, "0 admitted 501, tell admitted 1; 0 uncounted 502");
    policy::Rule rule;
    policy::Match match;
    match.service.any = {"sshd"};
    rule.match = std::make_shared<const policy::Match>(match);
    rule.exempt = true;
    world.policy.host.rules.push_back(rule);
    world.ask(ssh());
    EXPECT_TEXT(world.take_log(), "0 admitted 501, tell admitted 1; 0 uncounted 502; 0 admitted 503, tell admitted 2");
    EXPECT(world.state.claims() == 0, "no claims");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(sessions_are_recorded_in_observe_mode) {
    World world = in_fleet({.mode = Mode::observe, .fleet = 1});
    (void)world.login();
    (void)world.login();
    EXPECT_TEXT(world.log, "0 admitted 501, tell admitted 1, record in fleet 1; "
                           "0 admitted 502, tell admitted 2, record in fleet 2");
    (void)world.take_log();
    world.answer_claim(key(2), Outcome::full); // an answer has no effect
    world.feed(FleetLimitExceeded{key(2)});
    world.feed(FleetLimitExceeded{key(2)}); // reported once
    EXPECT_TEXT(world.log, "0 tell would-deny 2 fleet limit");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(host_decides_alone_if_claim_is_not_answered) {
    World world = in_fleet({.fleet = 2});
    (void)world.login_granted();
    world.ask(ssh());
    world.ask(ssh());
    EXPECT_TEXT(world.take_log(), "0 claim 2; 0 claim 3");
    world.answer_claim(key(3), Outcome::unknown);
    EXPECT_TEXT(world.take_log(), "0 admitted 503, tell fleet-unsure 3 fleet silent, list in fleet 3, tell admitted 3");
    world.pass(3200ms);
    EXPECT_TEXT(world.take_log(), "3.2 denied 502, tell denied 2 fleet limit, release claim of 2");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(login_denied_without_answer_if_policy_requires_one) {
    World world = in_fleet({.fleet = 2, .on_fleet_error = OnFleetError::deny});
    world.ask(ssh());
    world.pass(3199ms);
    EXPECT_TEXT(world.take_log(), "0 claim 1");
    world.pass(1ms);
    EXPECT_TEXT(world.take_log(), "3.2 denied 501, tell denied 1 fleet silent, release claim of 1");
    EXPECT(world.answers.back().session.reason.count == 2, "limit");
    world.answer_claim(key(1), Outcome::granted); // too late
    EXPECT_TEXT(world.log, "");
    EXPECT_TEXT(world.phase(key(1)), "denied");
    EXPECT_TEXT(world.fault, "");
}

/// While the fleet is down, no login waits. The sessions are recorded when it is back.
SESSLIMIT_TEST(host_decides_at_once_while_fleet_is_down) {
    World world({.fleet = 2});
    world.ask(ssh());
    world.ask(ssh());
    world.ask(ssh());
    EXPECT_TEXT(world.take_log(),
                "0 admitted 501, tell fleet-unsure 1 fleet silent, tell admitted 1, record in fleet 1; "
                "0 admitted 502, tell fleet-unsure 2 fleet silent, tell admitted 2, record in fleet 2; "
                "0 denied 503, tell denied 3 fleet limit");
    world.set({.fleet = 2, .on_fleet_error = OnFleetError::deny});
    world.ask(ssh(bob));
    EXPECT_TEXT(world.take_log(), "0 denied 504, tell denied 4 fleet silent");
    EXPECT(world.state.claims() == 2, "the admitted sessions");
    EXPECT_TEXT(world.fault, "");
}

/// After the start of the daemon, the state of the fleet is not known until the connection is established.
SESSLIMIT_TEST(login_waits_for_connection) {
    World world({.fleet = 2, .on_fleet_error = OnFleetError::deny});
    world.fleet_is(FleetState::connecting);
    world.ask(ssh());
    world.pass(1s);
    world.fleet_is(FleetState::up);
    world.answer_claim(key(1), Outcome::granted);
    EXPECT_TEXT(world.log, "0 claim 1; 1 admitted 501, tell admitted 1");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(waiting_logins_decided_when_fleet_goes_down) {
    World world = in_fleet({.fleet = 2});
    world.ask(ssh());
    world.pass(1s);
    world.fleet_is(FleetState::connecting); // sesslimit-fleetd restarts
    EXPECT_TEXT(world.phase(key(1)), "asking");
    world.pass(1s);
    world.fleet_is(FleetState::down);
    world.pass(0s);
    EXPECT_TEXT(world.log, "0 claim 1; 2 admitted 501, tell fleet-unsure 1 fleet silent, list in fleet 1, "
                           "tell admitted 1");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(slot_of_login_that_leaves_is_free) {
    struct Case {
        std::string_view name;
        Event event;
        std::string_view log;
    };
    const Case cases[] = {
        {"its module hangs up", RequestAborted{RequestId{501}}, "0 release claim of 1"},
        {"its process exits", LeaderExited{key(1)}, "0 release claim of 1"},
        {"it has no answer", ClaimAnswered{.session = key(1), .outcome = Outcome::full},
         "0 denied 501, tell denied 1 fleet limit, release claim of 1"},
    };
    for (const Case& test : cases) {
        World world = in_fleet({.max = 1, .at_limit = AtLimit::end_oldest, .fleet = 3});
        world.ask(ssh());
        (void)world.take_log();
        world.feed(test.event);
        EXPECT_TEXT(world.take_log(), test.log);
        EXPECT(world.state.counted(alice) == 0, test.name);
        EXPECT_TEXT(world.fault, "");
    }
}

/// The next login of the user has waited for the slot of this host.
SESSLIMIT_TEST(next_login_asks_when_slot_is_free) {
    World world = in_fleet({.max = 1, .at_limit = AtLimit::end_oldest, .fleet = 3});
    const SessionKey open = world.login_granted();
    world.pass(10s);
    world.ask(ssh());
    world.pass(0s); // claims before it displaces the open session
    EXPECT_TEXT(world.take_log(), "10 claim 2");
    EXPECT_TEXT(world.phase(open), "active");
    EXPECT_TEXT(world.phase(key(2)), "waiting");
    world.pass(1s);
    world.logout(open);
    EXPECT_TEXT(world.take_log(), "11 noted 9, tell released 1, release claim of 1");
    EXPECT_TEXT(world.phase(key(2)), "asking");
    world.answer_claim(key(2), Outcome::granted);
    EXPECT_TEXT(world.take_log(), "11 admitted 502, tell admitted 2");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(session_displaced_only_after_claim_is_granted) {
    World world = in_fleet({.max = 1, .at_limit = AtLimit::end_oldest, .fleet = 3});
    const SessionKey open = world.login_granted();
    world.pass(10s);
    world.ask(ssh(), 6s);
    EXPECT(world.answers.back().kind == Answer::Kind::wait &&
               world.answers.back().session.answer_by == world.now + 8200ms,
           "the module waits for the claim and for the slot");
    world.pass(3s - 1ms);
    EXPECT_TEXT(world.take_log(), "10 wait 502; 10 claim 2");
    world.answer_claim(key(2), Outcome::granted);
    world.pass(600ms);
    EXPECT_TEXT(world.take_log(), "12.999 tell ending 1 displaced; 13.499 terminate c1");
    EXPECT(world.find(key(2))->answer_by == start + 18s - 1ms, "the claim does not reduce the time for the slot");
    world.logind_forgets(open);
    EXPECT_TEXT(world.take_log(), "13.599 admitted 502, tell ended 1 displaced, tell admitted 2, release claim of 1");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(session_is_not_displaced_for_login_that_the_fleet_denies) {
    World world = in_fleet({.max = 1, .at_limit = AtLimit::end_oldest, .fleet = 3});
    const SessionKey open = world.login_granted();
    world.pass(10s);
    world.ask(ssh());
    world.pass(1s);
    world.answer_claim(key(2), Outcome::full);
    EXPECT_TEXT(world.take_log(), "10 claim 2; 11 denied 502, tell denied 2 fleet limit, release claim of 2");
    world.pass(10s);
    EXPECT_TEXT(world.phase(open), "active");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(session_of_dead_client_ended_after_claim_is_granted) {
    World world = in_fleet({.max = 1, .fleet = 3});
    const SessionKey open = world.login_granted();
    world.unacknowledged[open] = 60s;
    world.pass(10s);
    world.ask(ssh());
    EXPECT_TEXT(world.take_log(), "10 claim 2");
    EXPECT_TEXT(world.phase(open), "active");
    world.answer_claim(key(2), Outcome::granted);
    EXPECT_TEXT(world.take_log(), "10 tell ending 1 displaced");
    EXPECT_TEXT(world.fault, "");
}

/// The client of the session was dead before the claim, and is alive after it.
SESSLIMIT_TEST(login_denied_by_host_after_claim_releases_it) {
    World world = in_fleet({.max = 1, .fleet = 3});
    const SessionKey open = world.login_granted();
    world.unacknowledged[open] = 60s;
    world.pass(10s);
    world.ask(ssh());
    world.unacknowledged[open] = 0s;
    world.answer_claim(key(2), Outcome::granted);
    EXPECT_TEXT(world.take_log(), "10 claim 2; 10 denied 502, tell denied 2 limit, release claim of 2");
    EXPECT_TEXT(world.fault, "");
}

/// A newer login displaces a login that asks, as it would displace a session.
SESSLIMIT_TEST(asking_login_displaced_by_newer_login) {
    World world = in_fleet({.max = 1, .at_limit = AtLimit::end_oldest, .fleet = 3});
    world.ask(ssh());
    world.pass(1s);
    world.ask(ssh());
    world.pass(0s);
    EXPECT_TEXT(world.take_log(), "0 claim 1; 1 claim 2");
    world.answer_claim(key(2), Outcome::granted);
    world.pass(0s);
    EXPECT_TEXT(world.take_log(), "1 denied 501, tell denied 1 displaced, release claim of 1; "
                                  "1 admitted 502, tell admitted 2");
    EXPECT_TEXT(world.fault, "");
}

/// The slot of a login that the fleet denies goes to the next one at once.
SESSLIMIT_TEST(slot_of_denied_login_goes_to_waiting_login) {
    World world = in_fleet({.max = 1, .at_limit = AtLimit::end_oldest, .fleet = 3});
    world.ask(ssh());
    world.pass(1s);
    world.ask(ssh());
    world.pass(0s);
    EXPECT_TEXT(world.phase(key(2)), "waiting");
    (void)world.take_log();
    world.answer_claim(key(1), Outcome::full);
    EXPECT_TEXT(world.take_log(), "1 denied 501, tell denied 1 fleet limit, release claim of 1");
    EXPECT_TEXT(world.phase(key(2)), "asking");
    world.answer_claim(key(2), Outcome::granted);
    EXPECT_TEXT(world.take_log(), "1 admitted 502, tell admitted 2");
    EXPECT_TEXT(world.fault, "");
}

/// The denial is reported in the user's sessions, but not in the one that is closed by the same decision.
SESSLIMIT_TEST(login_denied_when_slot_of_closed_session_is_free) {
    World world({.max = 2, .at_limit = AtLimit::end_oldest});
    const SessionKey closed = world.login();
    const SessionKey ending = world.login();
    world.set({.max = 2, .at_limit = AtLimit::end_oldest, .fleet = 1});
    world.feed(TerminationRequested{ending, {"root"}});
    world.ask(ssh());
    world.pass(0s);
    EXPECT_TEXT(world.phase(key(3)), "waiting");
    world.feed(CloseRequested{RequestId{9}, closed, {}});
    EXPECT(world.answers.back().kind == Answer::Kind::denied &&
               world.answers.back().session.reason.cause == Cause::fleet_limit_reached,
           world.log);
    EXPECT_TEXT(world.phase(closed), "closed");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(repeated_request_keeps_claim) {
    World world = in_fleet({.fleet = 2});
    world.ask(ssh());
    world.pass(1s);
    world.feed(OpenRequested{RequestId{77}, ssh(), {501, 5010}, 1s});
    EXPECT_TEXT(world.take_log(), "0 claim 1; 1 wait 77");
    world.feed(RequestAborted{RequestId{501}}); // the earlier connection
    world.answer_claim(key(1), Outcome::granted);
    EXPECT_TEXT(world.take_log(), "1 admitted 77, tell admitted 1");
    EXPECT_TEXT(world.fault, "");
}

} // namespace
