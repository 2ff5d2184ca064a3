// SPDX-License-Identifier: MIT
// Wall clock changes and suspend: no session is terminated early, none stays open forever, none ends without warning.
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

#include <algorithm>
#include <functional>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;

constexpr Duration year = std::chrono::hours(24 * 365);
constexpr Duration limit = 15min;
constexpr Duration step = 8s; // of a terminal's timestamps
const std::vector<Duration> five_and_one = {5min, 1min};

std::string in_seconds(Duration span) {
    return std::to_string(std::chrono::floor<std::chrono::seconds>(span).count()) + " s";
}

/// An action at a time in seconds since the login: the clock is changed by `by`, or a key is pressed if `by` is 0.
struct Step {
    Duration at;
    Duration by{};
};

/// Returns how long a session with an idle limit stays open after its last key.
Duration lived(std::vector<Step> steps, bool heard, std::string& fault) {
    World world({.idle = limit});
    const SessionKey session = world.login();
    world.type(session);
    BootTime last_key = world.now;
    std::ranges::stable_sort(steps, {}, &Step::at);
    for (const Step& each : steps) {
        world.pass_until(each.at);
        if (world.phase(session) != "active") {
            break;
        }
        if (each.by != Duration{}) {
            world.set_clock(each.by, heard);
        } else {
            world.type(session);
            last_key = world.now;
        }
    }
    while (world.phase(session) == "active" && world.now < last_key + 4 * limit) {
        world.pass(1s);
    }
    fault += world.fault;
    return world.now - last_key;
}

struct Keys {
    std::string_view about;
    std::vector<Duration> at; ///< since the login
};

const Keys keys[] = {
    {"no key", {}},
    {"before", {100s, 590s}},
    {"long before", {20s}},
    {"just before", {599s}},
    {"after", {610s}},
    {"before and after", {100s, 590s, 610s, 800s}},
    {"long after", {620s, 880s, 1300s}},
    {"in between", {590s, 630s, 700s}},
};

std::vector<Step> with(const Keys& typed, const std::vector<Step>& sets) {
    std::vector<Step> steps = sets;
    for (const Duration at : typed.at) {
        steps.push_back({at});
    }
    return steps;
}

/// One change at 600 s. Whether or not the daemon is notified, the probes before and after it reveal the change.
SESSLIMIT_TEST(clock_set_once_idle_timeout_kept) {
    for (const Duration by :
         {year, -year, Duration(10min), Duration(-10min), Duration(30s), Duration(-30s), Duration(7s), Duration(-7s)}) {
        for (const bool heard : {true, false}) {
            for (const Keys& typed : keys) {
                std::string fault;
                const Duration span = lived(with(typed, {{600s, by}}), heard, fault);
                const std::string about =
                    in_seconds(by) + " " + std::string(typed.about) + (heard ? ": " : " unheard: ") + in_seconds(span);
                EXPECT(span >= limit, about);
                // After a small change it is unknown for one period whether a key was before or after it.
                const Duration open = std::chrono::abs(by) < limit ? std::chrono::abs(by) : Duration{};
                EXPECT(span <= limit + step + 1s + open, about);
                EXPECT_TEXT(fault, "");
            }
        }
    }
}

/// Many small changes, as by manual correction or a bad time server: every minute for half an hour.
SESSLIMIT_TEST(clock_set_every_minute_idle_timeout_kept) {
    constexpr Duration until = 30min;
    for (const Duration by :
         {Duration(1s), Duration(-1s), Duration(8s), Duration(-8s), Duration(61s), Duration(-61s), year, -year}) {
        for (const Keys& typed : keys) {
            std::vector<Step> sets;
            for (Duration at = 30s; at < until; at += 1min) {
                sets.push_back({at, by});
            }
            std::string fault;
            const Duration span = lived(with(typed, sets), true, fault);
            const std::string about = in_seconds(by) + " " + std::string(typed.about) + ": " + in_seconds(span);
            // A key can be dated to within one minute. A clock that passes through the same minute repeatedly may hide
            // further keys for as long as it does so.
            const Duration open = by == -61s ? until : 1min;
            EXPECT(span >= limit && span <= limit + step + 1min + open, about);
            EXPECT_TEXT(fault, "");
        }
    }
}

/// Two changes between two due probes: only a notified daemon knows what happened in between.
SESSLIMIT_TEST(clock_set_twice_idle_timeout_within_bounds) {
    for (const Duration first : {year, -year, Duration(10min), Duration(-10min), Duration(-1min), Duration(5min)}) {
        for (const Duration second : {year, -year, Duration(10min), Duration(-10min), Duration(-1min), -first}) {
            for (const Keys& typed : keys) {
                std::string fault;
                const Duration span = lived(with(typed, {{600s, first}, {650s, second}}), true, fault);
                const std::string about = in_seconds(first) + " then " + in_seconds(second) + " " +
                                          std::string(typed.about) + ": " + in_seconds(span);
                const int set_back = (first < Duration{} ? 1 : 0) + (second < Duration{} ? 1 : 0);
                EXPECT(span >= limit && span <= (2 + set_back) * limit, about);
                EXPECT_TEXT(fault, "");
            }
        }
    }
}

SESSLIMIT_TEST(clock_set_while_daemon_down_idle_timeout_within_bounds) {
    for (const Duration by : {year, -year, Duration(10min), Duration(-10min)}) {
        World world({.idle = limit});
        const SessionKey session = world.login();
        world.type(session);
        world.pass(5min);
        world.type(session);
        world.set_clock(by, false);
        const BootTime last_key = world.now;
        core::Session kept = *world.find(session);
        world.state.drop(session);
        world.now += 2min;
        world.feed(core::SessionRestored{kept});
        while (world.phase(session) == "active" && world.now < start + 10h) {
            world.pass(1s);
        }
        EXPECT(world.now >= last_key + limit && world.now <= last_key + 2 * limit, in_seconds(by));
        EXPECT_TEXT(world.fault, "");
    }
}

/// Without an earlier probe, a terminal timestamp cannot be converted after the clock was set. The session may be in
/// use.
SESSLIMIT_TEST(clock_set_before_first_probe_idle_timeout_kept) {
    for (const Duration by : {year, Duration(10min), Duration(-10min)}) {
        for (const bool restarted : {false, true}) {
            World world({.idle = limit});
            world.ask(ssh()); // logind reports the session late
            world.pass(10min);
            world.type(key(1));
            world.set_clock(by, !restarted);
            if (restarted) {
                const core::Session kept = *world.find(key(1));
                world.state.drop(key(1));
                world.feed(core::SessionRestored{kept});
            }
            const BootTime last_key = world.now;
            world.logind_shows(key(1));
            while (world.phase(key(1)) == "active" && world.now < start + 10h) {
                world.pass(1s);
            }
            const std::string about = in_seconds(by) + (restarted ? " during a restart" : "");
            EXPECT(world.now >= last_key + limit && world.now <= last_key + 2 * limit, about);
            EXPECT_TEXT(world.fault, "");
        }
    }
}

/// Regardless of clock changes, an active session stays open and an idle one is not considered active.
SESSLIMIT_TEST(clock_change_not_counted_as_input_and_hides_none) {
    for (const Duration by : {year, -year, Duration(1s), Duration(-1min)}) {
        World active({.idle = limit, .warn = std::vector<Duration>{1min}});
        World idle({.idle = limit, .warn = std::vector<Duration>{1min}});
        for (World* world : {&active, &idle}) {
            world->login();
            world->type(key(1));
            (void)world->take_log();
        }
        for (int minute = 0; minute < 300; ++minute) {
            active.pass(1min);
            active.type(key(1));
            active.set_clock(by);
        }
        EXPECT_TEXT(active.take_log(), "");
        idle.pass_until(850s); // warned
        (void)idle.take_log();
        idle.set_clock(by);
        idle.pass_until(908s);
        EXPECT_TEXT(idle.take_log(), "908 tell ending 1 idle");
        EXPECT_TEXT(active.fault + idle.fault, "");
    }
}

SESSLIMIT_TEST(clock_change_probes_only_sessions_with_idle_limit) {
    World without({.duration = 1h});
    without.login();
    without.set_clock(year);
    World with({.idle = limit});
    with.login();
    with.ask(ssh()); // not yet known to logind
    const int before = with.looks;
    with.set_clock(year);
    EXPECT(without.looks == 0 && with.looks == before + 1, std::to_string(with.looks));
}

/// A suspend of length `asleep` that begins at `at`. `log` is the log from then on.
struct Sleep {
    std::string_view about;
    Rules rules;
    Duration at;
    Duration asleep;
    std::string_view log;
    bool typed_after = false; ///< a key one second after resume
};

/// Suspended time counts. A session whose limit expired during suspend is not terminated without a warning.
SESSLIMIT_TEST(suspend_past_limit_warns_before_ending) {
    const Sleep cases[] = {
        {"idle, warning and end during suspend",
         {.idle = 15min, .warn = five_and_one},
         1min,
         8h,
         "28860 tell warned 1 idle left 300; 29100 tell warned 1 idle left 60; 29160 tell ending 1 idle"},
        {"the same, and the user is back",
         {.idle = 15min, .warn = five_and_one},
         1min,
         8h,
         "28860 tell warned 1 idle left 300; 28861 tell kept 1",
         true},
        {"idle, warned before", {.idle = 15min, .warn = five_and_one}, 10min + 30s, 8h, "29430 tell ending 1 idle"},
        {"idle, only the warning during suspend",
         {.idle = 15min, .warn = five_and_one},
         1min,
         10min,
         "660 tell warned 1 idle left 248; 848 tell warned 1 idle left 60; 908 tell ending 1 idle"},
        {"idle, no warning configured", {.idle = 15min}, 1min, 8h, "28860 tell ending 1 idle"},
        {"idle, warning as long as the limit is ignored",
         {.idle = 15min, .warn = std::vector<Duration>{15min}},
         1min,
         8h,
         "28860 tell ending 1 idle"},
        {"idle, neither warning nor end during suspend",
         {.idle = 15min, .warn = five_and_one},
         1min,
         5min,
         "608 tell warned 1 idle left 300; 848 tell warned 1 idle left 60; 908 tell ending 1 idle"},
        {"duration, warning and end during suspend",
         {.duration = 1h, .warn = five_and_one},
         1min,
         8h,
         "28860 tell warned 1 duration left 300; 29100 tell warned 1 duration left 60; "
         "29160 tell ending 1 duration"},
        {"duration, only the first warning during suspend",
         {.duration = 1h, .warn = five_and_one},
         50min,
         6min,
         "3360 tell warned 1 duration left 240; 3540 tell warned 1 duration left 60; 3600 tell ending 1 duration"},
        {"duration, both warnings during suspend: the shorter one",
         {.duration = 1h, .warn = five_and_one},
         50min,
         9min + 10s,
         "3550 tell warned 1 duration left 50; 3600 tell ending 1 duration"},
        {"duration, warned before", {.duration = 1h, .warn = five_and_one}, 56min, 8h, "32160 tell ending 1 duration"},
        {"duration, no warning configured", {.duration = 1h}, 1min, 8h, "28860 tell ending 1 duration"},
        {"both: one more warning, no more time",
         {.duration = 1h, .idle = 15min, .warn = five_and_one},
         1min,
         8h,
         "28860 tell warned 1 duration left 300; 28860 tell warned 1 idle left 300; "
         "29100 tell warned 1 duration left 60; 29100 tell warned 1 idle left 60; 29160 tell ending 1 duration"},
        {"observed",
         {.idle = 15min, .warn = five_and_one, .mode = policy::Mode::observe},
         1min,
         8h,
         "28860 tell would-end 1 idle"},
    };
    for (const Sleep& one : cases) {
        World world(one.rules);
        world.login();
        world.type(key(1));
        world.pass_until(one.at);
        (void)world.take_log();
        world.suspend(one.asleep);
        world.pass(1s);
        if (one.typed_after) {
            world.type(key(1));
            world.feed(core::InputReceived{key(1)});
        }
        world.pass(15min);
        world.log.resize(std::min(world.log.size(), one.log.size())); // up to the termination itself
        const std::string about = std::string(one.about) + ": ";
        EXPECT_TEXT(about + world.take_log(), about + std::string(one.log));
        EXPECT_TEXT(world.fault, "");
    }
}

/// Regardless of number and length of suspends, the warning issued after resume is the last one.
SESSLIMIT_TEST(repeated_suspends_do_not_extend_session) {
    for (const Duration asleep : {Duration(20min), Duration(8h), Duration(2min)}) {
        World world({.duration = 30min, .idle = 15min, .warn = five_and_one});
        world.login();
        Duration awake{};
        while (world.phase(key(1)) == "active" && awake < 2h) {
            world.suspend(asleep);
            world.pass(1s);
            awake += 1s;
        }
        EXPECT(awake <= 1min, in_seconds(asleep) + ": awake for " + in_seconds(awake));
        EXPECT_TEXT(world.fault, "");
    }
}

/// The wall clock advances during suspend, and so do the timestamps of keys pressed afterwards.
SESSLIMIT_TEST(key_after_suspend_dated_after_suspend) {
    for (const bool heard : {true, false}) {
        World world({.idle = limit});
        world.login();
        world.type(key(1));
        world.pass(1min);
        world.suspend(5min);
        if (heard) {
            world.set_clock(Duration{}); // resuming from suspend is reported as a clock change
        }
        world.pass(10s);
        world.type(key(1));
        const BootTime last_key = world.now;
        while (world.phase(key(1)) == "active") {
            world.pass(1s);
        }
        EXPECT(world.now >= last_key + limit && world.now <= last_key + limit + step + 1s, "");
        EXPECT_TEXT(world.fault, "");
    }
}

/// logind counts the age of an idle hint on CLOCK_MONOTONIC, which excludes suspended time.
SESSLIMIT_TEST(graphical_session_not_idle_during_suspend) {
    World world({.idle = limit});
    world.login(console(alice, "gdm-password"));
    core::Session session = *world.find(key(1));
    session.graphical = true;
    world.state.put(session);
    const BootTime hint_from = world.now;
    Duration asleep{};
    const auto pass = [&](Duration span) {
        for (Duration gone{}; gone < span; gone += 1s) {
            world.other_samples[key(1)].hint = world.now + 1s - hint_from - asleep;
            world.pass(1s);
        }
    };
    pass(1min);
    asleep = 8h;
    world.other_samples[key(1)].hint = 1min;
    world.suspend(asleep);
    EXPECT_TEXT(world.phase(key(1)), "active");
    pass(limit - 2min);
    EXPECT_TEXT(world.phase(key(1)), "active");
    pass(1min + 2s);
    EXPECT_TEXT(world.phase(key(1)), "ending");
    EXPECT_TEXT(world.fault, "");
}

} // namespace
