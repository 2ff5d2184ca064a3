// SPDX-License-Identifier: MIT
#include "daemon/policy/match.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

#include <memory>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using core::Answer;
using core::OpenRequested;
using core::RequestAborted;
using policy::AtLimit;
using policy::Mode;

/// Only logind knows how idle a desktop is, and its reply takes time. No session is terminated before the reply.
SESSLIMIT_TEST(end_idlest_waits_for_logind_idle_hint) {
    World world({.max = 1, .at_limit = AtLimit::end_idlest});
    world.ask(console());
    world.logind_shows(key(1), /*graphical=*/true);
    world.pass_until(100s);
    (void)world.take_log();
    world.ask(ssh());
    EXPECT_TEXT(world.take_log(), "");
    world.pass(core::Timeouts::local_displacement_display);
    EXPECT_TEXT(world.take_log(), "100 tell ending 1 displaced; 102 terminate c1");
    EXPECT_TEXT(world.fault, "");
}

/// A session whose idle time is unknown is not chosen as the idlest.
SESSLIMIT_TEST(end_idlest_unprobed_session_not_displaced) {
    World world({.max = 1, .at_limit = AtLimit::end_idlest});
    world.type(world.login());
    world.pass_until(100s);
    (void)world.take_log();
    world.blind = true;
    world.ask(ssh());
    world.pass(0s);
    EXPECT_TEXT(world.take_log(), "100 denied 502, tell denied 2 limit");
    world.leader_exits(key(2));
    world.blind = false;
    world.pass(10s);
    world.ask(ssh());
    world.pass(0s);
    EXPECT_TEXT(world.take_log(), "110 tell ending 1 displaced");
    EXPECT_TEXT(world.fault, "");
}

/// A session that could not be probed may be the idlest. Until that is known, sessions used later are not terminated.
SESSLIMIT_TEST(end_idlest_not_displacing_while_older_session_unprobed) {
    struct Case {
        const char* about;
        bool older_is_dark;
        std::string_view log;
    };
    constexpr Case cases[] = {
        {"the idlest is probed", false, "3005 tell ending 1 displaced"},
        {"the idlest is not probed", true, "3005 denied 503, tell denied 3 limit"},
    };
    for (const Case& one : cases) {
        World world({.max = 2, .at_limit = AtLimit::end_idlest});
        world.type(world.login());
        world.pass_until(3000s);
        world.type(world.login());
        world.pass(5s);
        (void)world.take_log();
        world.dark.insert(one.older_is_dark ? key(1) : key(2));
        world.ask(ssh());
        world.pass(0s);
        EXPECT_TEXT(std::string(one.about) + ": " + world.take_log(),
                    std::string(one.about) + ": " + std::string(one.log));
        EXPECT_TEXT(world.fault, "");
    }
}

/// logind is awaited for as long as a login may wait. No session is terminated for lack of its reply.
SESSLIMIT_TEST(end_idlest_desktop_without_logind_reply_not_displaced) {
    World world({.max = 1, .at_limit = AtLimit::end_idlest});
    world.ask(console());
    world.logind_shows(key(1), /*graphical=*/true);
    world.pass_until(100s);
    (void)world.take_log();
    world.mute = true;
    world.ask(ssh());
    world.pass(4s);
    EXPECT_TEXT(world.take_log(), "");
    world.pass(1s);
    EXPECT_TEXT(world.take_log(), "105 denied 502, tell denied 2 limit");
    world.leader_exits(key(2));
    world.ask(ssh());
    world.pass(1s);
    EXPECT_TEXT(world.take_log(), "");
    world.mute = false;
    core::ActivitySample sample;
    sample.wall_offset = world.wall_offset;
    sample.hint = 50s;
    world.feed(core::ActivityProbed{.session = key(1), .sample = sample});
    world.pass(2s);
    EXPECT_TEXT(world.take_log(), "106 tell ending 1 displaced; 107.5 terminate c1");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(at_limit_selects_displaced_session) {
    struct Case {
        AtLimit at_limit;
        std::string_view log;
    };
    constexpr Case cases[] = {
        {AtLimit::deny, "70 denied 504, tell denied 4 limit"},
        {AtLimit::end_oldest, "70 tell ending 1 displaced; 70.5 terminate c1; "
                              "71 admitted 504, tell ended 1 displaced, tell admitted 4"},
        {AtLimit::end_idlest, "70 tell ending 3 displaced; 70.5 terminate c3; "
                              "71 admitted 504, tell ended 3 displaced, tell admitted 4"},
    };
    for (const Case& one : cases) {
        World world = full_house(one.at_limit);
        world.ask(ssh(alice, "192.0.2.99"));
        world.pass(1s);
        for (const core::Notice& notice : std::vector(world.notices)) {
            if (notice.kind == core::Notice::Kind::ending) {
                EXPECT_TEXT(notice.reason.by, "192.0.2.99");
                world.logind_forgets(notice.session.key);
            }
        }
        EXPECT_TEXT(world.take_log(), one.log);
        EXPECT_TEXT(world.fault, "");
    }
}

SESSLIMIT_TEST(waiting_logins_displace_one_session_each) {
    World world = full_house(AtLimit::end_oldest);
    world.ask(ssh());
    world.ask(ssh());
    world.pass(100ms);
    EXPECT_TEXT(world.take_log(), "70 tell ending 1 displaced; 70 tell ending 2 displaced");
    world.logind_forgets(key(2));
    EXPECT_TEXT(world.take_log(), "70.1 admitted 504, tell ended 2 displaced, tell admitted 4");
    world.logind_forgets(key(1));
    EXPECT_TEXT(world.take_log(), "70.1 admitted 505, tell ended 1 displaced, tell admitted 5");
    EXPECT_TEXT(world.fault, "");
}

/// Any number of logins may ask at once. The newest of them wait for the slots, and each older one is answered at once
/// with the origin of the login that displaced it. Sessions are terminated only for logins that are admitted.
SESSLIMIT_TEST(many_simultaneous_logins_newest_admitted) {
    World world = full_house(AtLimit::end_oldest);
    for (int i = 0; i < 20; ++i) {
        world.ask(ssh(alice, "192.0.2." + std::to_string(i)));
    }
    world.pass(1s);
    std::string passed;
    for (const core::Answer& answer : world.answers) {
        if (answer.kind == Answer::Kind::denied) {
            passed += std::to_string(std::to_underlying(answer.session.key)) + " by " + answer.session.reason.by + ", ";
            EXPECT(answer.session.reason.cause == core::Cause::displaced && answer.session.reason.count == 3, passed);
        }
    }
    std::string each_by_the_third_after_it;
    for (int key = 4; key <= 20; ++key) {
        each_by_the_third_after_it += std::to_string(key) + " by 192.0.2." + std::to_string(key - 1) + ", ";
    }
    EXPECT_TEXT(passed, each_by_the_third_after_it);
    (void)world.take_log();
    for (const std::uint64_t gone : {2U, 3U, 1U}) {
        world.logind_forgets(key(gone));
    }
    EXPECT_TEXT(world.take_log(), "71 admitted 521, tell ended 2 displaced, tell admitted 21; "
                                  "71 admitted 522, tell ended 3 displaced, tell admitted 22; "
                                  "71 admitted 523, tell ended 1 displaced, tell admitted 23");
    EXPECT_TEXT(world.fault, "");
}

/// Its terminal appears while the session is already ending: the notice with the reason waits for the terminal.
SESSLIMIT_TEST(session_displaced_while_starting_gets_reason_on_terminal) {
    World world({.max = 1, .at_limit = AtLimit::end_oldest});
    world.ask(ssh());
    world.pass(300ms);
    world.ask(ssh());
    world.pass(100ms);
    world.logind_shows(key(1));
    EXPECT_TEXT(world.phase(key(1)), "ending");
    EXPECT_TEXT(world.take_log(), "0 admitted 501, tell admitted 1");
    world.pass_until(4900ms);
    EXPECT_TEXT(world.take_log(),
                "2 tell ending 1 displaced; 2.5 terminate c1; 4.5 kill c1, signal 1 TERM, tell forced 1 displaced");
    world.logind_forgets(key(1));
    EXPECT_TEXT(world.take_log(), "4.9 admitted 502, tell ended 1 displaced, tell admitted 2");

    // A session that exits by itself before that was not terminated.
    world.ask(ssh());
    world.pass(100ms);
    world.leader_exits(key(2));
    EXPECT_TEXT(world.take_log(), "5 admitted 503, tell released 2, tell admitted 3");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(waiting_login_answered_within_budget) {
    struct Case {
        Duration budget;
        std::string log;
    };
    constexpr std::string_view soon =
        "70 tell ending 1 displaced; 70.5 terminate c1; 72.5 kill c1, signal 1 TERM, tell forced 1 displaced; "
        "75 denied 504, tell denied 4 limit";
    const Case cases[] = {
        {1ms, "70 wait 504; " + std::string(soon)},
        {2s, "70 wait 504; " + std::string(soon)},
        {5499ms, "70 wait 504; " + std::string(soon)},
        {5500ms, std::string(soon)},
        {1h, std::string(soon)},
    };
    for (const Case& one : cases) {
        World world = full_house(AtLimit::end_oldest);
        world.ask(ssh(), one.budget);
        world.pass_until(75s);
        EXPECT_TEXT(world.take_log(), one.log);
        EXPECT_TEXT(world.fault, "");
    }
}

SESSLIMIT_TEST(logout_of_other_session_admits_waiting_login) {
    World world = full_house(AtLimit::end_oldest);
    world.ask(ssh());
    world.pass(100ms);
    (void)world.take_log();
    world.logout(key(3));
    EXPECT_TEXT(world.take_log(), "70.1 noted 9, admitted 504, tell released 3, tell admitted 4");
    EXPECT(world.state.counted(alice) == 3, "session 1 is still ending");
}

SESSLIMIT_TEST(waiting_login_dropped_when_request_aborted) {
    World world = full_house(AtLimit::end_oldest);
    world.ask(ssh());
    world.pass(100ms);
    world.feed(RequestAborted{RequestId{504}});
    EXPECT_TEXT(world.phase(key(4)), "gone");
    (void)world.take_log();
    world.logind_forgets(key(1));
    EXPECT_TEXT(world.take_log(), "70.1 tell ended 1 displaced");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(waiting_login_asking_again_answered_once) {
    World world = full_house(AtLimit::end_oldest);
    const pid_t leader = world.ask(ssh());
    world.pass(100ms);
    world.feed(OpenRequested{.request = RequestId{2000},
                             .login = ssh(),
                             .leader = {leader, static_cast<std::uint64_t>(leader) * 10},
                             .budget = 10s});
    world.feed(RequestAborted{RequestId{504}}); // the hang-up of the first request arrives after the second request
    (void)world.take_log();
    world.logind_forgets(key(1));
    EXPECT_TEXT(world.take_log(), "70.1 admitted 2000, tell ended 1 displaced, tell admitted 4");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(waiting_login_dropped_when_leader_exits) {
    World world = full_house(AtLimit::end_oldest);
    world.ask(ssh());
    world.pass(100ms);
    world.leader_exits(key(4));
    EXPECT_TEXT(world.phase(key(4)), "gone");
}

/// As many sessions are displaced as necessary: a limit was lowered below the open count, and a newer login has
/// priority over old ones.
SESSLIMIT_TEST(login_after_lowered_limit_displaces_whole_excess) {
    World world = full_house(AtLimit::end_oldest);
    world.set({.max = 2, .at_limit = AtLimit::end_oldest});
    world.ask(ssh());
    world.pass(600ms);
    EXPECT_TEXT(world.take_log(), "70 tell over-limit 1 limit; 70 tell ending 1 displaced, tell ending 2 displaced; "
                                  "70.5 terminate c1; 70.5 terminate c2");
    world.logind_forgets(key(1));
    EXPECT_TEXT(world.take_log(), "70.6 tell ended 1 displaced");
    world.logind_forgets(key(2));
    EXPECT_TEXT(world.take_log(), "70.6 admitted 504, tell ended 2 displaced, tell admitted 4");
    EXPECT_TEXT(world.fault, "");
}

/// No session is terminated for a login that will be denied anyway.
SESSLIMIT_TEST(zero_limit_displaces_no_session) {
    World world = full_house(AtLimit::end_oldest);
    world.set({.max = 0, .at_limit = AtLimit::end_oldest});
    world.ask(ssh());
    world.pass(10s);
    EXPECT_TEXT(world.take_log(),
                "70 tell over-limit 1 limit; 70 denied 504, tell denied 4 limit; 73 signal 4 TERM; 78 signal 4 KILL");
}

SESSLIMIT_TEST(waiting_login_reevaluated_when_policy_changes) {
    struct Case {
        Rules rules;
        std::string_view log;
    };
    const Case cases[] = {
        {{.max = 4, .at_limit = AtLimit::end_oldest}, "70.1 admitted 504, tell admitted 4"},
        {{}, "70.1 admitted 504, tell admitted 4"},
        {{.max = 3, .mode = Mode::observe}, "70.1 admitted 504, tell would-deny 4 limit, tell admitted 4"},
        {{.max = 0, .at_limit = AtLimit::end_oldest},
         "70.1 tell over-limit 2 limit; 70.1 denied 504, tell denied 4 limit"},
        {{.max = 3, .at_limit = AtLimit::end_oldest}, ""},
    };
    for (const Case& one : cases) {
        World world = full_house(AtLimit::end_oldest);
        world.ask(ssh());
        world.pass(100ms);
        (void)world.take_log();
        world.set(one.rules);
        world.pass(1ms);
        EXPECT_TEXT(world.take_log(), one.log);
        EXPECT_TEXT(world.fault, "");
    }
}

/// Sessions whose own limits are only observed are not displaced for other logins.
SESSLIMIT_TEST(observed_session_not_displaced) {
    World world({.max = 1, .at_limit = AtLimit::end_oldest, .mode = Mode::observe});
    policy::Rule enforced;
    auto match = std::make_shared<policy::Match>();
    match->service.any = {"sshd"};
    enforced.match = match;
    enforced.settings.mode = policy::Setting<Mode>{Mode::enforce};
    world.policy.host.rules.push_back(enforced);
    world.login(console());
    (void)world.take_log();
    world.ask(ssh());
    world.pass(1ms);
    EXPECT_TEXT(world.take_log(), "0 denied 502, tell denied 2 limit");
    EXPECT_TEXT(world.phase(key(1)), "active");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(waiting_login_shown_by_logind_becomes_active_when_admitted) {
    World world = full_house(AtLimit::end_oldest);
    world.ask(ssh());
    world.pass(100ms);
    world.logind_shows(key(4)); // logind shows it before it is admitted
    world.logind_forgets(key(1));
    EXPECT_TEXT(world.phase(key(4)), "active");
}

} // namespace
