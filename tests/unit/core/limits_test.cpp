// SPDX-License-Identifier: MIT
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

#include <algorithm>
#include <functional>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using policy::Mode;

const std::vector<Duration> five_and_one = {5min, 1min};

/// Returns a world with one login at 0 s and no activity after that.
World after_login(const Rules& rules, bool terminal = true) {
    World world(rules);
    const SessionKey session = world.login();
    if (terminal) {
        world.type(session);
    }
    (void)world.take_log();
    return world;
}

SESSLIMIT_TEST(duration_limit_warns_and_terminates_on_time) {
    struct Case {
        std::vector<Duration> warn;
        std::string_view log;
    };
    const Case cases[] = {
        {{}, "3600 tell ending 1 duration; 3600.5 terminate c1"},
        {five_and_one, "3300 tell warned 1 duration left 300; 3540 tell warned 1 duration left 60; "
                       "3600 tell ending 1 duration; 3600.5 terminate c1"},
        {{1h}, "3600 tell ending 1 duration; 3600.5 terminate c1"},
        {{2h, 1min}, "3540 tell warned 1 duration left 60; 3600 tell ending 1 duration; 3600.5 terminate c1"},
        {{3599s}, "1 tell warned 1 duration left 3599; 3600 tell ending 1 duration; 3600.5 terminate c1"},
    };
    for (const Case& one : cases) {
        World world = after_login({.duration = 1h, .warn = one.warn}, false);
        world.pass_until(3601s);
        EXPECT_TEXT(world.take_log(), one.log);
        EXPECT_TEXT(world.fault, "");
    }
}

/// The text of the reason says that a session had no activity, and not only no input, if more than input counts.
SESSLIMIT_TEST(idle_reason_depends_on_terminal_and_activity) {
    struct Case {
        const char* about;
        bool has_terminal;
        policy::Activity counted;
        policy::Count count;
    };
    const Case cases[] = {{"terminal, input", true, {}, 0},
                          {"terminal, input and network", true, {.network = true}, 1},
                          {"no terminal", false, {}, 1}};
    for (const auto& [about, has_terminal, counted, count] : cases) {
        World world({.idle = 1min, .activity = counted});
        world.other_samples[key(1)].connection.emplace();
        const SessionKey session = world.login();
        if (has_terminal) {
            world.type(session);
        }
        world.pass_until(5min);
        EXPECT(world.phase(session) == "ending", "terminated");
        EXPECT(world.find(session)->reason.count == count, about);
        EXPECT_TEXT(world.fault, "");
    }
}

SESSLIMIT_TEST(unprobed_session_not_terminated_as_idle) {
    World world = after_login({.idle = 1min, .warn = std::vector<Duration>{20s}});
    world.blind = true;
    world.pass_until(10min);
    EXPECT_TEXT(world.take_log(), "");
    EXPECT(world.looks >= 50 && world.looks <= 60, std::to_string(world.looks)); // one every 10 s
    world.blind = false;
    world.pass(31s);
    const std::string log = world.take_log();
    EXPECT(log.find("tell warned 1 idle left 20; ") != log.npos && log.find("tell ending 1 idle") != log.npos, log);
    EXPECT_TEXT(world.fault, "");
}

/// A probe precedes each warning, because the warning's output would hide earlier output. If the probe fails, the
/// warning is sent anyway.
SESSLIMIT_TEST(duration_limit_independent_of_probe) {
    World world = after_login(
        {.duration = 1h, .idle = 30min, .warn = five_and_one, .activity = policy::Activity{.output = true}});
    world.blind = true;
    world.pass_until(3601s);
    EXPECT_TEXT(world.take_log(), "3300 tell warned 1 duration left 300; 3540 tell warned 1 duration left 60; "
                                  "3600 tell ending 1 duration; 3600.5 terminate c1");
    EXPECT_TEXT(world.fault, "");
}

/// A clock change requests a probe at once. A failed probe is retried.
SESSLIMIT_TEST(failed_probe_retried_once) {
    World world = after_login({.idle = 1h});
    world.pass_until(5min);
    world.blind = true;
    world.set_clock(1h);
    world.blind = false;
    const int before = world.looks;
    world.pass(10s);
    EXPECT(world.looks == before + 1, std::to_string(world.looks - before));
    world.pass(10min);
    EXPECT(world.looks == before + 1, "once");
    EXPECT_TEXT(world.fault, "");
}

/// Events in between set a new deadline, which must still include the retry.
SESSLIMIT_TEST(failed_probe_retried_despite_other_events) {
    const std::function<void(World&)> between[] = {
        [](World& world) { world.feed(core::InputReceived{key(1)}); },
        [](World& world) { world.feed(core::PolicyChanged{}); },
        [](World& world) { world.feed(core::GroupsResolved{key(1), {100, 200}}); },
    };
    for (const auto& happens : between) {
        World world = after_login({.idle = 1h});
        world.pass_until(5min);
        world.blind = true;
        world.set_clock(1h);
        happens(world);
        world.blind = false;
        const int before = world.looks;
        world.pass(10s);
        EXPECT(world.looks == before + 1, std::to_string(world.looks - before));
    }
}

/// A notice written without a successful probe hides other output. It is therefore counted as activity.
SESSLIMIT_TEST(warning_without_probe_counts_as_activity) {
    World world = after_login({.duration = 1h,
                               .idle = 10min,
                               .warn = std::vector<Duration>{5min},
                               .activity = policy::Activity{.output = true}});
    const auto prints = [&world] {
        world.other_samples[key(1)].output = world.wall_offset + world.now.time_since_epoch();
    };
    for (world.pass_until(5min); world.now < start + 50min; world.pass(100s)) {
        prints();
    }
    world.blind = true;
    world.pass_until(55min);
    EXPECT_TEXT(world.take_log(), "3300 tell warned 1 duration left 300");
    prints(); // as the warning does
    world.pass_until(56min);
    world.blind = false;
    world.pass_until(3599s);
    EXPECT_TEXT(world.take_log(), "");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(duration_limit_applies_without_logind_session) {
    World world({.duration = 20s, .idle = 10s});
    world.ask(ssh());
    (void)world.take_log();
    world.pass_until(21s);
    EXPECT_TEXT(world.take_log(), "20 tell ending 1 duration; 20.5 signal 1 TERM with children");
}

SESSLIMIT_TEST(idle_timeout_never_early_and_at_most_one_step_late) {
    for (int second = 0; second < 20; ++second) {
        for (const Duration offset : {Duration(1'700'000'000s), Duration(1'700'000'005s + 300ms)}) {
            World world({.idle = 1min, .warn = std::vector<Duration>{20s}});
            world.wall_offset = offset;
            const SessionKey session = world.login();
            for (int key_at = 0; key_at <= second; ++key_at) {
                world.pass_until(std::chrono::seconds(key_at));
                world.type(session);
            }
            const BootTime last_key = world.now;
            while (world.phase(session) == "active" && world.now < last_key + 2min) {
                world.pass(100ms);
            }
            EXPECT(world.now >= last_key + 1min, std::to_string(second));
            EXPECT(world.now <= last_key + 1min + 8100ms, std::to_string(second));
            EXPECT_TEXT(world.fault, "");
        }
    }
}

SESSLIMIT_TEST(idle_session_warned_then_terminated) {
    World world = after_login({.idle = 20min, .warn = five_and_one});
    world.pass_until(1300s);
    // Input came at the start of an 8 s step, so it may have come up to 8 s later.
    EXPECT_TEXT(world.take_log(),
                "908 tell warned 1 idle left 300; 1148 tell warned 1 idle left 60; "
                "1208 tell ending 1 idle; 1208.5 terminate c1; 1213.5 kill c1, signal 1 TERM, tell forced 1 idle; "
                "1223.5 kill c1, signal 1 KILL; 1233.5 kill c1, signal 1 KILL; 1243.5 kill c1, signal 1 KILL; 1253.5 "
                "kill c1, signal 1 KILL; 1263.5 kill c1, signal 1 KILL; "
                "1273.5 kill c1, signal 1 KILL; 1283.5 kill c1, signal 1 KILL; 1293.5 kill c1, signal 1 KILL");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(active_session_probed_once_per_period) {
    World world = after_login({.idle = 15min});
    const int wakeups_before = world.wakeups;
    for (int i = 0; i < 3600; ++i) {
        world.pass(10s);
        world.type(key(1));
    }
    EXPECT_TEXT(world.take_log(), "");
    EXPECT(world.wakeups - wakeups_before <= 41, std::to_string(world.wakeups)); // 10 h in periods of 15 min
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(input_after_warning_keeps_session) {
    World world = after_login({.idle = 20min, .warn = five_and_one});
    world.pass_until(908s);
    (void)world.take_log();
    world.pass_until(950s);
    world.feed(core::InputReceived{key(1)});
    world.type(key(1));
    world.pass_until(960s);
    world.type(key(1));
    world.feed(core::InputReceived{key(1)}); // no second "kept" notice
    world.pass_until(961s);
    EXPECT_TEXT(world.take_log(), "950 tell kept 1");
    world.pass_until(1900s); // the warnings are repeated
    EXPECT_TEXT(world.take_log(), "1868 tell warned 1 idle left 300");
    EXPECT_TEXT(world.fault, "");
}

/// The second shell of a multiplexed connection has a terminal that was not monitored when the warning was issued.
SESSLIMIT_TEST(input_on_new_terminal_keeps_warned_session_of_its_user) {
    World world = after_login({.idle = 20min, .warn = five_and_one});
    world.pass_until(950s);
    (void)world.take_log();
    world.type(key(1));
    world.feed(core::TerminalOpened{bob});
    EXPECT_TEXT(world.take_log(), "");
    world.feed(core::TerminalOpened{alice});
    EXPECT_TEXT(world.take_log(), "950 tell kept 1");
    world.type(key(1));
    world.pass(10s);
    world.feed(core::TerminalOpened{alice});
    EXPECT(world.find(key(1))->last_sample.at == start + 950s, "no probe without a warning");
}

SESSLIMIT_TEST(unnoticed_input_found_by_next_probe) {
    World world = after_login({.idle = 20min, .warn = five_and_one});
    world.pass_until(1000s);
    world.type(key(1));
    (void)world.take_log();
    world.pass_until(2200s);
    EXPECT_TEXT(world.take_log(),
                "1148 tell kept 1; 1908 tell warned 1 idle left 300; 2148 tell warned 1 idle left 60");
}

SESSLIMIT_TEST(session_without_terminal_not_idle) {
    World world = after_login({.idle = 1min, .warn = std::vector<Duration>{10s}}, false);
    world.pass_until(10h);
    EXPECT_TEXT(world.take_log(), "");
    EXPECT(world.wakeups <= 720, std::to_string(world.wakeups)); // whenever the warning would be due
    EXPECT_TEXT(world.fault, "");
}

/// Returns a policy in which only one of the two idle limits is finite.
policy::Policy only(std::optional<Duration> with_terminal, std::optional<Duration> without) {
    policy::Policy policy = policy_of({});
    policy.host.defaults.idle_timeout = policy::Setting<Duration>{with_terminal.value_or(unlimited_duration)};
    policy.host.defaults.idle_timeout_no_terminal = policy::Setting<Duration>{without.value_or(unlimited_duration)};
    return policy;
}

/// Returns a sample of a connection that has carried this many bytes in each direction.
core::ActivitySample carried(std::uint64_t bytes) {
    core::ActivitySample sample;
    sample.connection = {.cookie = 7, .bytes_in = bytes, .bytes_out = bytes, .segments_in = 10, .segments_out = 10};
    return sample;
}

SESSLIMIT_TEST(terminal_added_later_gets_terminal_idle_limit) {
    World world;
    world.policy = only(15min, std::nullopt); // tunnels have no idle limit
    const SessionKey session = world.login();
    world.other_samples[session] = carried(1000);
    world.pass_until(3h);
    EXPECT(world.find(session)->terminal == core::Terminal::none, "no terminal");
    EXPECT(world.looks <= 14 && world.phase(session) == "active", "probed once per period of the other limit");
    world.type(session); // a shell in the same connection
    world.pass(15min - 1s);
    EXPECT(world.phase(session) == "active", "not before the terminal's limit");
    world.pass(10s);
    EXPECT(world.phase(session) == "ending", "terminated at the terminal's limit");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(tunnel_after_shell_exit_gets_no_terminal_idle_limit) {
    World world;
    world.policy = only(std::nullopt, 15min);
    const SessionKey session = world.login();
    world.other_samples[session] = carried(1000);
    world.type(session);
    world.pass_until(3h);
    EXPECT(world.find(session)->terminal == core::Terminal::some && world.phase(session) == "active", "has a terminal");
    world.stamps.erase(session);
    world.other_samples[session] = carried(9000); // the traffic of the shell's exit
    (void)world.take_log();
    world.pass(14min);
    EXPECT(world.phase(session) == "active", "not before its limit");
    world.pass(17min);
    EXPECT(world.phase(session) != "active", "terminated as idle");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(no_probe_without_idle_limit) {
    World world({.duration = 10h});
    (void)world.login();
    world.pass_until(5h);
    EXPECT(world.looks == 0 && world.wakeups == 0, "nothing is due");
}

SESSLIMIT_TEST(duration_and_idle_limits_independent) {
    World world = after_login({.duration = 30min, .idle = 15min, .warn = std::vector<Duration>{2min}});
    world.pass_until(1000s);
    EXPECT_TEXT(world.take_log(), "788 tell warned 1 idle left 120; 908 tell ending 1 idle; 908.5 terminate c1; "
                                  "913.5 kill c1, signal 1 TERM, tell forced 1 idle; 923.5 kill c1, signal 1 KILL; "
                                  "933.5 kill c1, signal 1 KILL; 943.5 kill c1, signal 1 KILL; "
                                  "953.5 kill c1, signal 1 KILL; 963.5 kill c1, signal 1 KILL; 973.5 kill c1, signal 1 "
                                  "KILL; 983.5 kill c1, signal 1 KILL; 993.5 kill c1, signal 1 KILL");
    world = after_login({.duration = 30min, .idle = 15min, .warn = std::vector<Duration>{2min}});
    while (world.now < start + 1801s) {
        world.pass(10s);
        world.type(key(1));
    }
    EXPECT_TEXT(world.take_log(), "1680 tell warned 1 duration left 120; 1800 tell ending 1 duration; "
                                  "1800.5 terminate c1; 1805.5 kill c1, signal 1 TERM, tell forced 1 duration");
    EXPECT_TEXT(world.fault, "");
}

struct Change {
    std::string_view about;
    Rules before;
    Duration at;
    Rules after;
    Duration until;
    std::string_view log; ///< from the change on
};

SESSLIMIT_TEST(new_policy_applies_at_once_with_warning) {
    const std::vector<Duration> ten_and_one = {10min, 1min};
    const Change changes[] = {
        {"unchanged",
         {.duration = 1h, .warn = five_and_one},
         3400s,
         {.duration = 1h, .warn = five_and_one},
         3600s,
         "3540 tell warned 1 duration left 60; 3600 tell ending 1 duration"},
        {"exceeded: warned first, longest warn_before remains",
         {},
         2h,
         {.duration = 1h, .warn = ten_and_one},
         7801s,
         "7200 tell warned 1 duration left 600; 7740 tell warned 1 duration left 60; 7800 tell ending 1 duration; "
         "7800.5 terminate c1"},
        {"exceeded, no warn_before: warned first, five minutes remain",
         {},
         2h,
         {.duration = 1h},
         7501s,
         "7200 tell warned 1 duration left 300; 7500 tell ending 1 duration; 7500.5 terminate c1"},
        {"nearly exceeded",
         {},
         3595s,
         {.duration = 1h, .warn = five_and_one},
         3895s,
         "3595 tell warned 1 duration left 300; 3835 tell warned 1 duration left 60; 3895 tell ending 1 duration"},
        {"shorter, not yet reached",
         {.duration = 5h},
         10min,
         {.duration = 1h, .warn = five_and_one},
         3600s,
         "3300 tell warned 1 duration left 300; 3540 tell warned 1 duration left 60; 3600 tell ending 1 duration"},
        {"longer after the warnings: warned again",
         {.duration = 1h, .warn = five_and_one},
         3590s,
         {.duration = 2h, .warn = five_and_one},
         2h,
         "6900 tell warned 1 duration left 300; 7140 tell warned 1 duration left 60; 7200 tell ending 1 duration"},
        {"limit removed", {.duration = 1h, .warn = five_and_one}, 3590s, {}, 10h, ""},
        {"idle for longer than the new limit",
         {},
         1h,
         {.idle = 15min, .warn = five_and_one},
         3901s,
         "3600 tell warned 1 idle left 300; 3840 tell warned 1 idle left 60; 3900 tell ending 1 idle; "
         "3900.5 terminate c1"},
        {"idle for longer, no warn_before",
         {},
         1h,
         {.idle = 15min},
         3900s,
         "3600 tell warned 1 idle left 300; 3900 tell ending 1 idle"},
        {"idle limit longer after a warning",
         {.idle = 15min, .warn = five_and_one},
         860s,
         {.idle = 30min, .warn = five_and_one},
         1808s,
         "1508 tell warned 1 idle left 300; 1748 tell warned 1 idle left 60; 1808 tell ending 1 idle"},
        {"mode becomes enforce: exceeded limit gets a grace period",
         {.duration = 1h, .warn = five_and_one, .mode = Mode::observe},
         2h,
         {.duration = 1h, .warn = five_and_one},
         7500s,
         "7200 tell warned 1 duration left 300; 7440 tell warned 1 duration left 60; 7500 tell ending 1 duration"},
        {"mode becomes observe",
         {.duration = 1h, .warn = five_and_one},
         3590s,
         {.duration = 1h, .warn = five_and_one, .mode = Mode::observe},
         10h,
         "3600 tell would-end 1 duration"},
    };
    for (const Change& one : changes) {
        World world = after_login(one.before);
        world.pass_until(one.at);
        (void)world.take_log();
        world.set(one.after);
        world.pass_until(one.until);
        const std::string about = std::string(one.about) + ": ";
        EXPECT_TEXT(about + world.take_log(), about + std::string(one.log));
        EXPECT_TEXT(world.fault, "");
    }
}

SESSLIMIT_TEST(repeated_reload_changes_nothing) {
    World world = after_login({.duration = 1h, .idle = 30min, .warn = five_and_one});
    for (int i = 0; i < 30; ++i) {
        world.pass(1min);
        world.set({.duration = 1h, .idle = 30min, .warn = five_and_one});
    }
    world.pass_until(1808s);
    EXPECT_TEXT(world.take_log(),
                "1508 tell warned 1 idle left 300; 1748 tell warned 1 idle left 60; 1808 tell ending 1 idle");
}

SESSLIMIT_TEST(observe_mode_neither_warns_nor_terminates) {
    World world = after_login({.duration = 1h, .idle = 50min, .warn = five_and_one, .mode = Mode::observe});
    world.pass_until(10h);
    EXPECT_TEXT(world.take_log(), "3008 tell would-end 1 idle");
    EXPECT(world.wakeups < 10, "few timer expirations");
    world.set(Rules{.duration = 1h, .idle = 50min, .warn = five_and_one, .mode = Mode::observe});
    world.pass(1h);
    EXPECT_TEXT(world.take_log(), "");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(adopt_session_over_limit_gets_grace_period) {
    struct Case {
        std::string_view about;
        Rules rules;
        Duration age;
        std::string_view log;
    };
    const Case cases[] = {
        {"duration exceeded",
         {.duration = 1h, .warn = five_and_one},
         2h,
         "0 tell adopted 1; 0 tell warned 1 duration left 300; 240 tell warned 1 duration left 60; "
         "300 tell ending 1 duration"},
        {"duration exceeded, no warn_before",
         {.duration = 1h},
         2h,
         "0 tell adopted 1; 0 tell warned 1 duration left 300; 300 tell ending 1 duration"},
        {"duration not exceeded",
         {.duration = 1h, .warn = five_and_one},
         54min,
         "0 tell adopted 1; 60 tell warned 1 duration left 300; 300 tell warned 1 duration left 60; "
         "360 tell ending 1 duration"},
        {"idle for longer than the limit",
         {.idle = 10min, .warn = five_and_one},
         14min,
         "0 tell adopted 1; 0 tell warned 1 idle left 300; 240 tell warned 1 idle left 60; 300 tell ending 1 idle"},
        {"no limit", {}, 14min, "0 tell adopted 1"},
    };
    for (const Case& one : cases) {
        World world(one.rules);
        world.stamps[key(1)] =
            std::chrono::floor<std::chrono::seconds>((world.now - one.age).time_since_epoch() + world.wall_offset);
        world.feed(core::LogindSessionNew{{.id = "c9",
                                           .scope = "session-c9.scope",
                                           .session_class = "user",
                                           .closing = false,
                                           .leader = {700, 7000},
                                           .opened = world.now - one.age,
                                           .login = ssh()}});
        world.pass_until(361s);
        world.log.resize(std::min(world.log.size(), one.log.size())); // other tests cover the termination itself
        EXPECT_TEXT(world.take_log(), one.log);
        EXPECT_TEXT(world.fault, "");
    }
}

} // namespace
