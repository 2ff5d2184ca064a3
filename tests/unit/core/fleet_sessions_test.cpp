// SPDX-License-Identifier: MIT
// Sessions in a fleet: changes of the policy, adopted and restored sessions, and orders to terminate sessions.
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace sesslimit::core;
using Outcome = ClaimAnswered::Outcome;
using policy::Mode;

/// Returns a world whose fleet answers claims.
World in_fleet(const Rules& rules) {
    World world(rules);
    world.fleet_is(FleetState::up);
    return world;
}

SESSLIMIT_TEST(policy_change_during_claim) {
    struct Case {
        std::string_view name;
        Rules rules;
        std::string_view log;
        std::string_view after_answer;
    };
    const Case cases[] = {
        {"no limit in the fleet", {}, "0 release claim of 1; 0 admitted 501, tell admitted 1", ""},
        {"limit is observed",
         {.mode = Mode::observe, .fleet = 1},
         "0 admitted 501, tell admitted 1, list in fleet 1",
         ""},
        {"a higher limit", {.fleet = 5}, "", "0 claim 1"},
        {"the same limit", {.fleet = 1}, "", "0 denied 501, tell denied 1 fleet limit, release claim of 1"},
    };
    for (const Case& test : cases) {
        World world = in_fleet({.fleet = 1});
        world.ask(ssh());
        (void)world.take_log();
        world.set(test.rules);
        world.pass(0s);
        EXPECT_TEXT(world.take_log(), test.log);
        world.answer_claim(key(1), Outcome::full);
        EXPECT_TEXT(world.take_log(), test.after_answer);
        EXPECT(world.fault.empty(), test.name);
    }
}

SESSLIMIT_TEST(open_sessions_follow_policy) {
    World world = in_fleet({});
    (void)world.login();
    (void)world.take_log();
    world.set({.fleet = 3});
    EXPECT_TEXT(world.take_log(), "0 record in fleet 1");
    EXPECT(world.find(key(1))->fleet_limit == 3, "limit");
    world.set({.fleet = 4});
    EXPECT_TEXT(world.take_log(), "");
    EXPECT(world.find(key(1))->fleet_limit == 4, "new limit");
    world.set({});
    EXPECT_TEXT(world.take_log(), "0 release claim of 1");
    EXPECT_TEXT(world.fault, "");
}

/// The session counts in the fleet as long as it counts on its host.
SESSLIMIT_TEST(session_left_behind_counts_as_on_one_host) {
    for (const bool counts : {false, true}) {
        World world = in_fleet(
            {.count_left_behind = counts ? policy::CountLeftBehind::yes : policy::CountLeftBehind::no, .fleet = 3});
        const SessionKey open = world.login_granted();
        world.feed(CloseRequested{RequestId{9}, open, {}});
        world.leader_exits(open);
        EXPECT_TEXT(world.phase(open), "left behind");
        EXPECT(world.state.claims() == (counts ? 1U : 0U), world.log);
        world.logind_forgets(open);
        EXPECT(world.state.claims() == 0, world.log);
        EXPECT_TEXT(world.fault, "");
    }
}

SESSLIMIT_TEST(ending_session_keeps_slot_until_it_has_exited) {
    World world = in_fleet({.fleet = 3});
    const SessionKey open = world.login_granted();
    world.feed(TerminationRequested{open, {"root"}});
    world.pass(1s);
    EXPECT(world.state.claims() == 1, "it is ending");
    world.logind_forgets(open);
    EXPECT(world.state.claims() == 0, "it has exited");
    EXPECT_TEXT(world.fault, "");
}

/// PAM did not ask for the session. The fleet records it although the limit may be reached.
SESSLIMIT_TEST(adopted_session_is_recorded) {
    World world = in_fleet({.fleet = 1});
    world.feed(LogindSessionNew{seen()});
    EXPECT_TEXT(world.take_log(), "0 tell adopted 1, record in fleet 1");
    world.feed(FleetLimitExceeded{key(1)});
    EXPECT_TEXT(world.take_log(), "0 tell fleet-over-limit 1 fleet limit");
    EXPECT_TEXT(world.fault, "");
}

/// The module runs after pam_systemd, so that logind announces the session before PAM asks.
SESSLIMIT_TEST(late_request_asks_fleet) {
    for (const bool is_beyond : {false, true}) {
        World world = in_fleet({.fleet = 1});
        world.feed(LogindSessionNew{seen()});
        (void)world.take_log();
        world.feed(OpenRequested{RequestId{88}, console(), {700, 7000}, 10s});
        EXPECT_TEXT(world.take_log(), "0 claim 1");
        EXPECT_TEXT(world.phase(key(1)), "asking");
        if (is_beyond) {
            world.feed(FleetLimitExceeded{key(1)});
        }
        world.answer_claim(key(1), Outcome::granted); // the session has a record
        EXPECT_TEXT(world.take_log(), is_beyond ? "0 denied 88, tell denied 1 fleet limit, release claim of 1"
                                                : "0 admitted 88, tell admitted 1");
        EXPECT_TEXT(world.phase(key(1)), is_beyond ? "denied" : "active");
        EXPECT_TEXT(world.fault, "");
    }
}

/// The fleet reports that a login is beyond the limit, and then fails. The host must not admit the login alone.
SESSLIMIT_TEST(login_beyond_limit_denied_without_answer) {
    World world = in_fleet({.fleet = 1});
    world.ask(ssh());
    world.feed(FleetLimitExceeded{key(1)});
    (void)world.take_log();
    world.answer_claim(key(1), Outcome::unknown);
    EXPECT_TEXT(world.take_log(), "0 denied 501, tell denied 1 fleet limit, release claim of 1");
    EXPECT_TEXT(world.fault, "");

    World waiting({.max = 1, .at_limit = policy::AtLimit::end_oldest, .fleet = 2});
    waiting.fleet_is(FleetState::down);
    waiting.login();
    waiting.ask(ssh());
    waiting.pass(1s); // the login was decided alone, and waits for the end of the displaced session
    waiting.feed(FleetLimitExceeded{key(2)});
    (void)waiting.take_log();
    waiting.logout(key(1));
    EXPECT_TEXT(waiting.phase(key(2)), "denied");
    EXPECT_TEXT(waiting.fault, "");
}

/// A limit that is removed and set again at once does not make a login wait for a claim that was released.
SESSLIMIT_TEST(claim_is_repeated_after_two_changes_of_the_policy) {
    World world = in_fleet({.fleet = 1});
    world.ask(ssh());
    (void)world.take_log();
    world.set({});
    world.set({.fleet = 1});
    EXPECT_TEXT(world.take_log(), "0 release claim of 1; 0 claim 1");
    world.answer_claim(key(1), Outcome::granted);
    EXPECT_TEXT(world.take_log(), "0 admitted 501, tell admitted 1");
    EXPECT_TEXT(world.fault, "");
}

/// The fleet has recorded the session beyond the limit before PAM asks.
SESSLIMIT_TEST(late_request_denied_if_session_is_beyond_limit) {
    World world = in_fleet({.fleet = 1});
    world.feed(LogindSessionNew{seen()});
    world.feed(FleetLimitExceeded{key(1)});
    (void)world.take_log();
    world.feed(OpenRequested{RequestId{88}, console(), {700, 7000}, 10s});
    EXPECT_TEXT(world.take_log(), "0 denied 88, tell denied 1 fleet limit, release claim of 1");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(restored_sessions_are_in_fleet) {
    Session active = session_in(Phase::active);
    active.fleet_limit = 3;
    Session asking = session_in(Phase::active, key(2));
    asking.phase = Phase::asking;
    asking.logind_id.clear();
    asking.leader.pid = 600;
    World world({.fleet = 5});
    world.feed(SessionRestored{active});
    world.feed(SessionRestored{asking});
    EXPECT_TEXT(world.take_log(), "0 record in fleet 1");
    EXPECT(world.find(key(1))->fleet_limit == 5 && world.find(key(2)) == nullptr, "the module repeats its request");
    EXPECT_TEXT(world.fault, "");
}

/// The rule that limits the session matches a group which the ledger did not record.
SESSLIMIT_TEST(restored_session_keeps_limit_until_groups_are_known) {
    World world;
    Session active = session_in(Phase::active);
    active.fleet_limit = 3;
    active.login.gids_cut = true;
    world.feed(SessionRestored{active});
    EXPECT(world.find(key(1))->fleet_limit == 3 && world.state.claims() == 1, "still limited");
    world.feed(GroupsResolved{key(1), {100}});
    EXPECT_TEXT(world.take_log(), "0 record in fleet 1; 0 release claim of 1");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(order_of_the_fleet_terminates_sessions) {
    World world;
    Login with_key = ssh(bob);
    with_key.credential.fingerprint = "SHA256:" + std::string(43, 'A');
    Login root = with_key;
    root.uid = 0;
    root.user = "root";
    for (const Login& login : {ssh(), ssh(), with_key, root}) {
        (void)world.login(login);
    }
    (void)world.take_log();
    world.feed(FleetTerminationRequested{.order = 7, .subject = "alice", .by = "admin", .message = "m"});
    EXPECT_TEXT(world.take_log(), "0 tell ending 1 asked, tell ending 2 asked, end 2 for order 7");
    EXPECT(world.notices.back().note == "m" && world.notices.back().reason.by == "admin", "reason");
    world.feed(FleetTerminationRequested{.order = 7, .subject = "alice", .by = "admin"}); // repeated
    EXPECT_TEXT(world.take_log(), "0 end 0 for order 7");
    world.feed(FleetTerminationRequested{
        .order = 8, .is_credential = true, .subject = with_key.credential.fingerprint, .by = "admin"});
    EXPECT_TEXT(world.take_log(), "0 tell ending 3 asked, end 1 for order 8"); // not root's
    world.feed(FleetTerminationRequested{.order = 9, .subject = "root", .by = "admin"});
    world.feed(FleetTerminationRequested{.order = 10, .is_credential = true, .subject = "x", .by = "admin"});
    EXPECT_TEXT(world.take_log(), "0 end 0 for order 9; 0 end 0 for order 10");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(order_of_the_fleet_distinguishes_a_user_id_from_a_name) {
    World world;
    Login named = ssh(bob);
    named.user = std::to_string(ssh().uid); // the name of a user with another ID
    for (const Login& login : {ssh(), named}) {
        (void)world.login(login);
    }
    (void)world.take_log();
    world.feed(FleetTerminationRequested{.order = 1, .subject = "uid:0", .by = "admin"});
    world.feed(FleetTerminationRequested{.order = 2, .subject = "uid:" + std::to_string(ssh().uid), .by = "admin"});
    EXPECT_TEXT(world.take_log(), "0 end 0 for order 1; 0 tell ending 1 asked, end 1 for order 2");
    world.feed(FleetTerminationRequested{.order = 3, .subject = named.user, .by = "admin"});
    EXPECT_TEXT(world.take_log(), "0 tell ending 2 asked, end 1 for order 3");
    EXPECT_TEXT(world.fault, "");
}

/// A host without a limit over the fleet has no effects for it, whatever the fleet reports.
SESSLIMIT_TEST(host_without_limit_has_no_claims) {
    World world({.max = 2});
    for (const FleetState state : {FleetState::connecting, FleetState::up, FleetState::down}) {
        world.fleet_is(state);
        const SessionKey open = world.login();
        world.answer_claim(open, Outcome::full);
        world.feed(FleetLimitExceeded{open});
        world.logout(open);
    }
    EXPECT(world.log.find("fleet") == std::string::npos && world.log.find("claim") == std::string::npos, world.log);
    EXPECT_TEXT(world.fault, "");
}

} // namespace
