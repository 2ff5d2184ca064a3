// SPDX-License-Identifier: MIT
// Which sessions give way to a login at the limit, and which ones are protected.
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

#include <algorithm>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using policy::AtLimit;
using policy::Mode;

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
        world.pass(2s);
        EXPECT_TEXT(world.take_log() + world.fault, hint < 30s ? "101 denied 502, tell denied 2 limit"
                                                               : "101 tell ending 1 displaced; 102.5 terminate c1");
    }
}

/// A session without a terminal may have used its CPU time just before the login.
SESSLIMIT_TEST(displace_idle_spares_session_that_perhaps_computed) {
    for (const Duration used : {600ms, 601ms}) {
        World world({.max = 1, .at_limit = AtLimit::end_oldest, .displace_idle = 1min});
        core::ActivitySample& sample = world.other_samples[key(1)];
        sample.connection.emplace();
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
    // The login first waits for the end of a session that was just logged out.
    World leaving({.max = 2, .count_left_behind = policy::CountLeftBehind::yes});
    leaving.login();
    leaving.login();
    leaving.pass(99s);
    leaving.unacknowledged[key(1)] = 100s;
    leaving.feed(core::CloseRequested{RequestId{9}, key(2), {502, 5020}});
    leaving.leader_exits(key(2));
    (void)leaving.take_log();
    leaving.ask(ssh());
    leaving.pass(1s);
    EXPECT_TEXT(leaving.take_log() + leaving.fault, "100 tell ending 1 displaced");
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
         {.max = 1, .activity = policy::Activity{.output = true}},
         false},
        {"the notice would hide output", {.max = 1, .idle = 1h, .activity = policy::Activity{.output = true}}, false},
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

/// A session that was never probed may have used its CPU time just before the login.
SESSLIMIT_TEST(displace_idle_spares_unprobed_session_that_computed) {
    for (const Duration used : {600ms, 601ms}) {
        World world({.max = 1});
        core::ActivitySample& sample = world.other_samples[key(1)];
        sample.connection.emplace();
        sample.processor_time = used;
        world.login();
        world.pass_until(1000s);
        (void)world.take_log();
        EXPECT(world.find(key(1))->last_sample.at == BootTime{}, "not probed");
        world.policy = policy_of({.max = 1, .at_limit = AtLimit::end_oldest, .displace_idle = 1min});
        world.ask(ssh()); // as if a rule matched only this login
        world.pass(0s);
        EXPECT_TEXT(world.take_log() + world.fault,
                    used == 600ms ? "1000 tell ending 1 displaced" : "1000 denied 502, tell denied 2 limit");
    }
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

} // namespace
