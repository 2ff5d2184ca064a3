// SPDX-License-Identifier: MIT
// max_sessions_total: a limit shared by all users of a rule. Also the effect of a stricter policy on open
// sessions.
#include "daemon/policy/match.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

namespace sesslimit::test {
namespace {

using namespace core;
using policy::AtLimit;
using policy::Mode;

World world_with(const policy::Policy& policy) {
    World world;
    world.policy = policy;
    return world;
}

SESSLIMIT_TEST(shared_limit_counts_all_users) {
    World world = world_with(with_total({}, 2));
    const SessionKey first = world.login(ssh(alice));
    world.login(ssh(bob));
    (void)world.take_log();
    world.ask(ssh(bob));
    const Reason reason = world.notices.back().reason;
    EXPECT_TEXT(world.take_log(), "0 denied 503, tell denied 3 limit");
    EXPECT(reason.count == 2 && reason.by == "ssh", "the rule is named");
    world.ask(console(bob)); // the rule does not match it
    EXPECT_TEXT(world.take_log(), "0 admitted 504, tell admitted 4");
    world.logout(first);
    (void)world.take_log();
    world.ask(ssh(bob));
    EXPECT(world.take_log().starts_with("0 admitted 505"), "the slot is free again");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(shared_limit_displaces_no_session) {
    World world = world_with(with_total({.max = 5, .at_limit = AtLimit::end_oldest}, 1));
    world.login(ssh(alice));
    (void)world.take_log();
    world.ask(ssh(alice));
    EXPECT_TEXT(world.take_log(), "0 denied 502, tell denied 2 limit");
}

SESSLIMIT_TEST(shared_limit_observed_in_observe_mode) {
    World world = world_with(with_total({.mode = Mode::observe}, 1));
    world.login(ssh(alice));
    (void)world.take_log();
    world.ask(ssh(bob));
    EXPECT_TEXT(world.take_log(), "0 admitted 502, tell would-deny 2 limit, tell admitted 2");
}

SESSLIMIT_TEST(policy_change_recounts_shared_limit) {
    World world;
    world.login(ssh(alice));
    world.login(ssh(bob));
    world.policy = with_total({}, 2);
    world.feed(PolicyChanged{});
    (void)world.take_log();
    world.ask(ssh(alice));
    EXPECT_TEXT(world.take_log(), "0 denied 503, tell denied 3 limit");
    world.set({});
    world.ask(ssh(alice));
    EXPECT(world.take_log().find("admitted") != std::string::npos, "the rule and its count are removed");
    EXPECT(world.state.counted(policy::SourceId{0}) == 0, "the count is zero");
}

SESSLIMIT_TEST(restart_recounts_shared_limit) {
    for (const Phase phase : {Phase::admitted, Phase::active, Phase::ending}) {
        World world = world_with(with_total({}, 1));
        world.feed(SessionRestored{session_in(phase)});
        EXPECT(world.state.counted(policy::SourceId{0}) == 1, name_of(phase));
    }
}

/// Two logins of a user wait. A new policy allows both for the user but only one in the shared limit. A logout admits
/// one of them.
SESSLIMIT_TEST(one_decision_admits_no_more_than_shared_limit) {
    World world = world_with(with_total({.max = 2, .at_limit = AtLimit::end_oldest}, 9));
    const SessionKey first = world.login(console(alice));
    world.login(console(alice));
    world.ask(ssh(alice));
    world.ask(ssh(alice));
    world.policy = with_total({.max = 5}, 1);
    world.feed(PolicyChanged{});
    (void)world.take_log();
    world.logout(first);
    EXPECT_TEXT(world.take_log(), "0 noted 9, admitted 503, tell released 1, tell admitted 3");
    EXPECT(world.state.counted(policy::SourceId{0}) == 1, "one by ssh");
}

/// The closed session was the last one that the shared limit allowed.
SESSLIMIT_TEST(slot_of_closed_session_counts_for_shared_limit) {
    World world = world_with(with_total({.max = 1, .at_limit = AtLimit::end_oldest}, 1));
    const SessionKey first = world.login(ssh(alice));
    world.ask(ssh(alice));
    (void)world.take_log();
    world.logout(first);
    EXPECT(world.take_log().find("admitted 502") != std::string::npos, "admitted");
}

/// The ledger had no room for all groups of the user, so they are looked up after a restart.
SESSLIMIT_TEST(resolved_groups_recount_shared_limit) {
    for (const Phase phase : {Phase::admitted, Phase::active, Phase::ending}) {
        policy::Policy policy = with_total({}, 1);
        policy::Match match;
        match.group.any = {{"staff", 50}};
        policy.host.rules.front().match = std::make_shared<const policy::Match>(match);
        World world = world_with(policy);
        world.feed(SessionRestored{session_in(phase)});
        world.feed(GroupsResolved{.session = key(1), .gids = {50, 100}});
        EXPECT(world.state.counted(policy::SourceId{0}) == 1, name_of(phase));
        world.feed(GroupsResolved{.session = key(1), .gids = {100}});
        EXPECT(world.state.counted(policy::SourceId{0}) == 0, name_of(phase));
    }
}

SESSLIMIT_TEST(adopted_session_counts_for_shared_limit) {
    World world = world_with(with_total({}, 1));
    LogindSession seen{.id = "c9",
                       .scope = "session-c9.scope",
                       .session_class = "user",
                       .closing = false,
                       .leader = {900, 9000},
                       .opened = start,
                       .login = ssh(bob)};
    world.feed(LogindSessionNew{seen});
    EXPECT(world.state.counted(policy::SourceId{0}) == 1, "counted");
}

SESSLIMIT_TEST(lowered_limit_notifies_and_terminates_no_session) {
    World world;
    world.login(ssh(alice));
    world.login(ssh(alice));
    world.login(ssh(bob));
    (void)world.take_log();
    world.set({.max = 1});
    EXPECT_TEXT(world.take_log(), "0 tell over-limit 1 limit");
    world.pass(1h);
    EXPECT_TEXT(world.take_log(), "");
    EXPECT(world.state.counted(alice) == 2, "both stay open");
}

} // namespace
} // namespace sesslimit::test
