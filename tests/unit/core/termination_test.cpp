// SPDX-License-Identifier: MIT
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using core::TerminationRequested;

/// Returns a world with one session whose termination root requested at 0 s.
World told(bool in_logind) {
    World world;
    if (in_logind) {
        world.login();
    } else {
        world.ask(ssh());
    }
    (void)world.take_log();
    world.feed(TerminationRequested{key(1), "root"});
    return world;
}

SESSLIMIT_TEST(termination_notifies_then_asks_then_kills) {
    struct Case {
        bool in_logind;
        std::string_view log;
    };
    constexpr Case cases[] = {
        {true, "0 tell ending 1 asked; 0.5 terminate c1; 5.5 kill c1, signal 1 TERM, tell forced 1 asked; 15.5 kill "
               "c1, signal 1 KILL; 25.5 kill c1, signal 1 KILL"},
        {false,
         "0 tell ending 1 asked; 0.5 signal 1 TERM with children; 5.5 signal 1 KILL with children, tell forced 1 "
         "asked; 15.5 signal 1 KILL with children; 25.5 signal 1 KILL with children"},
    };
    for (const Case& one : cases) {
        World world = told(one.in_logind);
        world.pass_until(30s);
        EXPECT_TEXT(world.take_log(), one.log);
        EXPECT(world.state.counted(alice) == 1, "counted until it is gone");
        EXPECT(world.notices.back().reason.by == "root", "requested by root");
        EXPECT_TEXT(world.fault, "");
    }
}

/// On a virtual terminal, the user can read the reason only until the session exits.
SESSLIMIT_TEST(reason_on_console_displayed_before_termination) {
    World world({.max = 1, .duration = 1min, .at_limit = policy::AtLimit::end_oldest});
    world.ask(console());
    world.logind_shows(key(1));
    (void)world.take_log();
    world.pass_until(66s);
    EXPECT_TEXT(world.take_log(), "60 tell ending 1 duration; 65 terminate c1");
    world.logind_forgets(key(1));
    world.ask(console());
    world.logind_shows(key(2));
    world.pass_until(70s);
    world.ask(ssh());
    (void)world.take_log();
    world.pass_until(74s);
    EXPECT_TEXT(world.take_log(), "70 tell ending 2 displaced; 72 terminate c2; 74 kill c2, signal 2 TERM, tell forced "
                                  "2 displaced");
    EXPECT_TEXT(world.fault, "");
    World quiet({.max = 1, .duration = 1min});
    quiet.policy.host.defaults.quiet = policy::Setting<policy::Quiet>{policy::Quiet::yes};
    quiet.ask(console());
    quiet.logind_shows(key(1));
    (void)quiet.take_log();
    quiet.pass_until(61s);
    EXPECT_TEXT(quiet.take_log(), "60 tell ending 1 duration; 60.5 terminate c1");
}

/// A login waits for 5 s. Until then, the session must have exited, even if it ignores SIGTERM.
SESSLIMIT_TEST(displaced_young_console_exits_while_login_waits) {
    World world({.max = 1, .at_limit = policy::AtLimit::end_oldest});
    world.ask(console());
    world.logind_shows(key(1));
    world.pass_until(100ms);
    (void)world.take_log();
    world.ask(ssh());
    world.pass_until(5s);
    EXPECT_TEXT(world.take_log() + world.fault, "2 tell ending 1 displaced; 2.6 terminate c1; 4.6 kill c1, signal 1 "
                                                "TERM, tell forced 1 displaced");
}

SESSLIMIT_TEST(programs_kept_unless_termination_requested) {
    struct Case {
        std::string_view log;
        Rules rules;
        void (*end)(World&);
    };
    const Case cases[] = {
        {"tell ending 1 asked; 60.5 terminate c1",
         {.max = 1},
         [](World& world) { world.feed(TerminationRequested{key(1), "root"}); }},
        {"tell ending 1 duration; 60.5 terminate c1 keeping tmux screen", {.duration = 1min}, [](World&) {}},
        {"tell ending 1 idle; 60.5 terminate c1 keeping tmux screen", {.idle = 1min}, [](World&) {}},
        {"tell ending 1 leader, terminate c1 keeping tmux screen",
         {.max = 1},
         [](World& world) { world.leader_exits(key(1)); }},
        {"tell ending 1 displaced; 60.5 terminate c1 keeping tmux screen",
         {.max = 1, .at_limit = policy::AtLimit::end_oldest},
         [](World& world) { world.ask(ssh()); }},
    };
    for (const Case& one : cases) {
        World world(one.rules);
        world.policy.host.defaults.keep = policy::Setting{policy::Keep{{"tmux", "screen"}}, policy::SourceId{0}, 1};
        world.other_samples[key(1)].connection.emplace();
        world.login();
        world.pass_until(60s);
        one.end(world);
        world.pass(600ms);
        const std::string log = world.take_log();
        EXPECT(log.find("60 " + std::string(one.log)) != std::string::npos, log);
        EXPECT_TEXT(world.fault, "");
    }
}

SESSLIMIT_TEST(dead_leader_shortens_termination) {
    World world({.max = 1});
    world.login();
    (void)world.take_log();
    world.leader_exits(key(1));
    world.pass_until(12s);
    EXPECT_TEXT(world.take_log(), "0 tell ending 1 leader, terminate c1; 1 kill c1, tell forced 1 leader; 11 kill c1");
    world.logind_forgets(key(1));
    EXPECT_TEXT(world.take_log(), "12 tell ended 1 leader");
    EXPECT_TEXT(world.fault, "");
}

/// An event during termination, and the log from then on.
struct Case {
    std::string_view about;
    bool in_logind;
    Duration at;
    void (*what)(World&);
    std::string_view log;
};

SESSLIMIT_TEST(termination_continues_after_other_events) {
    constexpr Case cases[] = {
        {"logind forgets the session", true, 600ms, [](World& world) { world.logind_forgets(key(1)); },
         "0.6 tell ended 1 asked"},
        {"leader exits before the terminate request", true, 100ms, [](World& world) { world.leader_exits(key(1)); },
         "0.1 terminate c1; 5.1 kill c1, tell forced 1 asked"},
        {"leader exits after the terminate request", true, 600ms, [](World& world) { world.leader_exits(key(1)); },
         "5.5 kill c1, tell forced 1 asked"},
        {"leader exits, no logind session", false, 600ms, [](World& world) { world.leader_exits(key(1)); },
         "0.6 tell ended 1 asked"},
        {"logind shows the session late", false, 600ms, [](World& world) { world.logind_shows(key(1)); },
         "0.6 terminate c1; 5.6 kill c1, signal 1 TERM, tell forced 1 asked"},
        {"user closes it", true, 100ms,
         [](World& world) { world.feed(core::CloseRequested{RequestId{9}, key(1), {501, 5010}}); },
         "0.1 noted 9; 0.5 terminate c1; 5.5 kill c1, signal 1 TERM, tell forced 1 asked"},
        {"termination is requested again", true, 100ms,
         [](World& world) { world.feed(TerminationRequested{key(1), "alice"}); },
         "0.5 terminate c1; 5.5 kill c1, signal 1 TERM, tell forced 1 asked"},
        {"user types", true, 100ms, [](World& world) { world.feed(core::InputReceived{key(1)}); },
         "0.5 terminate c1; 5.5 kill c1, signal 1 TERM, tell forced 1 asked"},
        {"the policy changes", true, 100ms, [](World& world) { world.set({.duration = 10h}); },
         "0.5 terminate c1; 5.5 kill c1, signal 1 TERM, tell forced 1 asked"},
        {"mode becomes observe", true, 100ms, [](World& world) { world.set({.mode = policy::Mode::observe}); },
         "0.5 terminate c1; 5.5 kill c1, signal 1 TERM, tell forced 1 asked"},
    };
    for (const Case& one : cases) {
        World world = told(one.in_logind);
        world.pass_until(one.at);
        const std::string about = std::string(one.about) + ": ";
        const std::string before = world.take_log();
        one.what(world);
        world.pass_until(10s);
        EXPECT_TEXT(about + world.take_log(), about + std::string(one.log));
        EXPECT_TEXT(world.fault, "");
    }
}

SESSLIMIT_TEST(requested_termination_applies_in_observe_mode) {
    World world({.duration = 1h, .mode = policy::Mode::observe});
    world.login();
    world.pass(2h);
    (void)world.take_log();
    world.feed(TerminationRequested{key(1), "root"});
    world.pass(1s);
    EXPECT_TEXT(world.take_log(), "7200 tell ending 1 asked; 7200.5 terminate c1");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(dead_leader_in_observe_mode_only_notified) {
    World world({.max = 1, .mode = policy::Mode::observe});
    world.login();
    (void)world.take_log();
    world.leader_exits(key(1));
    world.pass(1min);
    EXPECT_TEXT(world.take_log(), "0 tell would-end 1 leader");
    world.set({.max = 1}); // enforced from now on
    world.pass(500ms);
    EXPECT_TEXT(world.take_log(), "60 tell ending 1 leader, terminate c1");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(requester_name_cut_to_ledger_limit) {
    World world;
    world.login();
    world.feed(TerminationRequested{key(1), {std::string(10'000, 'x'), 0, std::string(10'000, 'y')}});
    EXPECT(world.notices.back().note.size() == core::max_note_length, "the message is bounded");
    EXPECT(world.find(key(1))->reason.by == std::string(core::max_by_length, 'x'), "cut");
}

SESSLIMIT_TEST(slot_of_terminated_session_released_when_gone) {
    World world({.max = 1});
    world.login();
    world.feed(TerminationRequested{key(1), "root"});
    EXPECT(world.login() == SessionKey::none, "not yet");
    world.logind_forgets(key(1));
    EXPECT(world.login() != SessionKey::none, "now");
    EXPECT_TEXT(world.fault, "");
}

} // namespace
