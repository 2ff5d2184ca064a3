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
    world.pass(core::Timeouts::notice_display);
    EXPECT_TEXT(world.take_log(), "100.5 tell ending 1 displaced");
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
    world.pass(1s);
    EXPECT_TEXT(world.take_log(), "106.5 tell ending 1 displaced; 107 terminate c1");
    EXPECT_TEXT(world.fault, "");
}

/// Returns a world with three logins at 0 s, 10 s and 20 s. A key was pressed in the first at 50 s and in the second at
/// 60 s. The clock is at 70 s, when tests let a fourth login ask.
World full_house(AtLimit at_limit) {
    World world({.max = 3, .at_limit = at_limit});
    for (int i = 0; i < 3; ++i) {
        const SessionKey session = world.login();
        world.type(session);
        world.pass(10s);
    }
    world.pass_until(50s);
    world.type(key(1));
    world.pass_until(60s);
    world.type(key(2));
    world.pass_until(70s);
    (void)world.take_log();
    return world;
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

SESSLIMIT_TEST(displace_idle_spares_sessions_in_use) {
    struct Case {
        std::string_view about;
        AtLimit at_limit;
        Duration idle;
        std::string_view log; ///< a fourth login asks at 70 s; see full_house()
    };
    constexpr std::string_view denied = "70 denied 504, tell denied 4 limit";
    constexpr Case cases[] = {
        {"the oldest is in use", AtLimit::end_oldest, 30s, "70 tell ending 3 displaced"},
        {"the idlest", AtLimit::end_idlest, 30s, "70 tell ending 3 displaced"},
        {"the first that is old enough", AtLimit::end_oldest, 5s, "70 tell ending 1 displaced"},
        {"all are in use", AtLimit::end_oldest, 1min, denied},
        {"all are in use, by idle time", AtLimit::end_idlest, 1min, denied},
        {"deny", AtLimit::deny, 1s, denied},
    };
    for (const Case& one : cases) {
        World world = full_house(one.at_limit);
        world.policy = policy_of({.max = 3, .at_limit = one.at_limit, .displace_idle = one.idle});
        world.ask(ssh());
        world.pass(0s);
        EXPECT_TEXT(std::string(one.about) + ": " + world.take_log(),
                    std::string(one.about) + ": " + std::string(one.log));
        EXPECT_TEXT(world.fault, "");
    }
}

/// A session that is still opening, one that cannot be probed, and a login that waits may all be in use.
SESSLIMIT_TEST(displace_idle_spares_sessions_of_unknown_use) {
    const Rules rules{.max = 1, .at_limit = AtLimit::end_oldest, .displace_idle = 10s};
    World opening(rules);
    opening.ask(ssh());
    opening.pass(1min);
    World dark(rules);
    dark.type(dark.login());
    dark.pass(1min);
    dark.dark.insert(key(1));
    for (World* world : {&opening, &dark}) {
        (void)world->take_log();
        world->ask(ssh());
        world->pass(0s);
        EXPECT_TEXT(world->take_log() + world->fault, "60 denied 502, tell denied 2 limit");
    }
    World waiting(rules);
    waiting.type(waiting.login());
    waiting.pass(1min);
    (void)waiting.take_log();
    waiting.ask(ssh());
    waiting.pass(0s);
    waiting.ask(ssh());
    waiting.pass(0s);
    EXPECT_TEXT(waiting.take_log() + waiting.fault, "60 tell ending 1 displaced; 60 denied 503, tell denied 3 limit");
}

/// The idle time of a desktop is known only to logind.
SESSLIMIT_TEST(displace_idle_waits_for_logind_idle_hint) {
    for (const Duration hint : {Duration(5s), Duration(50s)}) {
        World world({.max = 1, .at_limit = AtLimit::end_oldest, .displace_idle = 30s});
        world.ask(console());
        world.logind_shows(key(1), /*graphical=*/true);
        world.pass_until(100s);
        world.mute = true;
        world.ask(ssh());
        world.pass(1s);
        (void)world.take_log();
        core::ActivitySample sample;
        sample.wall_offset = world.wall_offset;
        sample.hint = hint;
        world.feed(core::ActivityProbed{.session = key(1), .sample = sample});
        world.pass(1s);
        EXPECT_TEXT(world.take_log() + world.fault, hint < 30s ? "101.5 denied 502, tell denied 2 limit"
                                                               : "101.5 tell ending 1 displaced; 102 terminate c1");
    }
}

/// A session without a terminal may have used its CPU time just before the login.
SESSLIMIT_TEST(displace_idle_spares_session_that_perhaps_computed) {
    for (const Duration used : {600ms, 601ms}) {
        World world({.max = 1, .at_limit = AtLimit::end_oldest, .displace_idle = 1min});
        core::ActivitySample& sample = world.other_samples[key(1)];
        sample.traffic.emplace();
        sample.processor_time = 0s;
        world.login();
        world.pass_until(1000s);
        (void)world.take_log();
        sample.processor_time = used;
        world.ask(ssh());
        world.pass(0s);
        const bool idle = used == 600ms;
        EXPECT_TEXT(world.take_log(), idle ? "1000 tell ending 1 displaced" : "1000 denied 502, tell denied 2 limit");
        world.pass(59s);
        (void)world.take_log();
        world.ask(ssh());
        world.pass(0s);
        EXPECT(idle || world.take_log() == "1059 denied 503, tell denied 3 limit", "less than a minute later");
        world.pass(1s);
        world.ask(ssh());
        world.pass(0s);
        EXPECT(idle || world.take_log() == "1060 tell ending 1 displaced", "a minute later");
        EXPECT_TEXT(world.fault, "");
    }
}

/// Three sessions at limit 3, all in use. The newest login asks at 70 s, see full_house().
SESSLIMIT_TEST(dead_client_gives_way_at_limit) {
    struct Case {
        std::string_view about;
        AtLimit at_limit;
        std::map<SessionKey, Duration> unacknowledged;
        std::string_view log;
    };
    constexpr std::string_view denied = "70 denied 504, tell denied 4 limit";
    const Case cases[] = {
        {"deny", AtLimit::deny, {{key(2), 60s}}, "70 tell ending 2 displaced"},
        {"not long enough", AtLimit::deny, {{key(2), 59999ms}}, denied},
        {"the longest", AtLimit::deny, {{key(2), 60s}, {key(3), 61s}}, "70 tell ending 3 displaced"},
        {"before the oldest", AtLimit::end_oldest, {{key(2), 60s}}, "70 tell ending 2 displaced"},
        {"before the idlest", AtLimit::end_idlest, {{key(2), 60s}}, "70 tell ending 2 displaced"},
        {"none is dead", AtLimit::end_oldest, {{key(2), 59s}}, "70 tell ending 1 displaced"},
    };
    for (const Case& one : cases) {
        World world = full_house(one.at_limit);
        world.unacknowledged = one.unacknowledged;
        world.ask(ssh());
        world.pass(0s);
        EXPECT_TEXT(std::string(one.about) + ": " + world.take_log(),
                    std::string(one.about) + ": " + std::string(one.log));
        EXPECT_TEXT(world.fault, "");
    }
    // Nothing is terminated for a login that is denied in any case, or if limits are only observed.
    World shared(Rules{});
    shared.policy = with_total({}, 1, "all");
    shared.login();
    shared.unacknowledged[key(1)] = 100s;
    shared.pass(100s);
    (void)shared.take_log();
    shared.ask(ssh());
    shared.pass(0s);
    EXPECT_TEXT(shared.take_log(), "100 denied 502, tell denied 2 limit");
    World observed({.max = 1, .mode = Mode::observe});
    observed.login();
    observed.unacknowledged[key(1)] = 100s;
    observed.pass(100s);
    (void)observed.take_log();
    observed.ask(ssh());
    observed.pass(0s);
    EXPECT_TEXT(observed.take_log(), "100 admitted 502, tell would-deny 2 limit, tell admitted 2");
}

SESSLIMIT_TEST(denied_login_reported_in_open_sessions) {
    struct Case {
        std::string_view about;
        Rules rules;
        bool reported;
    };
    const Case cases[] = {
        {"a terminal", {.max = 1}, true},
        {"the notice would hide output that at_limit considers",
         {.max = 1, .activity = policy::Activity::output},
         false},
        {"the notice would hide output", {.max = 1, .idle = 1h, .activity = policy::Activity::output}, false},
    };
    for (const Case& one : cases) {
        World world(one.rules);
        world.type(world.login());
        world.pass(10s);
        world.ask(ssh());
        world.pass(10min - 1s);
        world.ask(ssh());
        EXPECT(world.reports.size() == (one.reported ? 1U : 0U), std::string(one.about) + ": once in ten minutes");
        world.pass(1s);
        world.ask(ssh());
        EXPECT(world.reports.size() == (one.reported ? 2U : 0U), std::string(one.about) + ": again");
        EXPECT_TEXT(world.fault, "");
    }
    World world(Rules{});
    world.policy = with_total({}, 1, "ssh");
    world.ask(console());
    world.logind_shows(key(1));
    world.type(key(1));
    world.type(world.login());
    world.pass(10s);
    world.ask(ssh());
    EXPECT(world.reports == std::vector{key(2)}, "no notice in the console session, which has no limits");
}

/// Lets a login from `host` ask. Removes the session that it displaces. Returns true if the login is admitted.
bool connects(World& world, const std::string& host) {
    world.ask(ssh(alice, host));
    world.pass(600ms);
    const std::set<SessionKey> keys = world.state.of_user(alice);
    for (const SessionKey key : keys) {
        if (world.phase(key) == "ending") {
            world.logind_forgets(key);
        }
    }
    const core::Answer last = world.answers.back();
    if (last.kind == core::Answer::Kind::admitted) {
        world.logind_shows(last.session.key);
    }
    return last.kind == core::Answer::Kind::admitted;
}

SESSLIMIT_TEST(displacements_limited_in_rate) {
    World world({.max = 1, .at_limit = AtLimit::end_oldest});
    struct Attempt {
        Duration at;
        const char* host;
        bool admitted;
    };
    constexpr Attempt attempts[] = {
        {0s, "192.0.2.1", true},   {10s, "192.0.2.2", true}, // first displacement
        {20s, "192.0.2.1", true},  {30s, "192.0.2.2", true},   {40s, "192.0.2.1", true},
        {50s, "192.0.2.2", true},                                                         // fifth displacement
        {60s, "192.0.2.1", false}, {65s, "192.0.2.3", true},                              // took no part
        {70s, "192.0.2.3", false}, {129s, "192.0.2.2", false}, {190s, "192.0.2.2", true}, // a minute without an attempt
        {200s, "192.0.2.1", true},
    };
    for (const Attempt& one : attempts) {
        world.pass_until(one.at);
        EXPECT(connects(world, one.host) == one.admitted, one.host + (" at " + std::to_string(one.at / 1s)));
    }
    EXPECT(std::ranges::count(world.notices, core::Notice::Kind::displacement_limited, &core::Notice::kind) == 1,
           "one notice");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(slow_displacements_not_limited) {
    World world({.max = 1, .at_limit = AtLimit::end_oldest});
    for (int count = 0; count < 20; ++count) {
        EXPECT(connects(world, "192.0.2.1"), std::to_string(count));
        world.pass_until(count * 15s + 15s);
    }
    EXPECT_TEXT(world.fault, "");
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
        {{.max = 0, .at_limit = AtLimit::end_oldest}, "70.1 denied 504, tell denied 4 limit"},
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
