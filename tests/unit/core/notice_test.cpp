// SPDX-License-Identifier: MIT
// Notices on a session's terminals, and that they do not count as activity.
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

#include <algorithm>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using policy::Mode;

const std::vector<Duration> five_and_one = {5min, 1min};

/// Updates the output timestamp of its terminal as the kernel does: whole seconds, only every 8 s.
void print(World& world, SessionKey session) {
    const Duration second = std::chrono::floor<std::chrono::seconds>(world.now.time_since_epoch() + world.wall_offset);
    std::optional<Duration>& stamp = world.other_samples[session].output;
    if (!stamp || second / 8s != *stamp / 8s) {
        stamp = second;
    }
}

/// Advances second by second. Notices to the user update the terminal a moment later, as the effect handler would.
void pass_with_notices(World& world, Duration until) {
    while (world.now < start + until) {
        const std::size_t before = world.notices.size();
        world.pass(1s);
        const auto is_written = [](const core::Notice& notice) {
            return notice.kind == core::Notice::Kind::warned || notice.kind == core::Notice::Kind::kept;
        };
        if (std::any_of(world.notices.begin() + static_cast<std::ptrdiff_t>(before), world.notices.end(), is_written)) {
            world.now += 200ms;
            print(world, key(1));
            world.now -= 200ms;
        }
    }
}

/// Own notices do not count as output, however many there are. Output printed before them is still counted.
SESSLIMIT_TEST(own_notices_not_counted_as_output) {
    struct Case {
        std::string_view about;
        Rules rules;
        Duration printed; ///< 0: nothing was printed
        std::string_view log;
    };
    const Case cases[] = {
        {"idle warnings only",
         {.idle = 15min, .warn = five_and_one},
         0s,
         "608 tell warned 1 idle left 300; 848 tell warned 1 idle left 60; 908 tell ending 1 idle"},
        {"with duration warnings in between",
         {.duration = 20min, .idle = 15min, .warn = std::vector<Duration>{10min, 6min}},
         0s,
         "308 tell warned 1 idle left 600; 548 tell warned 1 idle left 360; 600 tell warned 1 duration left 600; "
         "840 tell warned 1 duration left 360; 908 tell ending 1 idle"},
        {"output before a duration warning",
         {.duration = 20min, .idle = 15min, .warn = std::vector<Duration>{6min}},
         830s,
         "548 tell warned 1 idle left 360; 840 tell kept 1, tell warned 1 duration left 360; 1200 tell ending 1 "
         "duration"},
        {"output just before a duration warning",
         {.duration = 20min, .idle = 15min, .warn = std::vector<Duration>{6min}},
         839s,
         "548 tell warned 1 idle left 360; 840 tell kept 1, tell warned 1 duration left 360; 1200 tell ending 1 "
         "duration"},
    };
    for (const Case& one : cases) {
        World world(one.rules);
        world.policy.host.defaults.idle_activity = policy::Setting<policy::Activity>{policy::Activity{.output = true}};
        world.login();
        world.type(key(1));
        print(world, key(1));
        (void)world.take_log();
        if (one.printed > 0s) {
            pass_with_notices(world, one.printed);
            print(world, key(1));
        }
        for (Duration until = one.printed; until < 1201s && world.phase(key(1)) == "active"; until += 1s) {
            pass_with_notices(world, until);
        }
        EXPECT_TEXT(std::string(one.about) + ": " + world.take_log(),
                    std::string(one.about) + ": " + std::string(one.log));
        EXPECT_TEXT(world.fault, "");
    }
}

/// Each notice that is written to a terminal updates the session's `last_notice_at`.
SESSLIMIT_TEST(terminal_notice_time_recorded) {
    World world({.idle = 15min, .warn = five_and_one});
    world.type(world.login());
    world.pass_until(700s);
    world.feed(core::InputReceived{key(1)});
    world.pass_until(1601s);
    for (const core::Notice& notice : world.notices) {
        using Kind = core::Notice::Kind;
        const bool written = notice.kind == Kind::warned || notice.kind == Kind::kept || notice.kind == Kind::ending;
        EXPECT((notice.session.last_notice_at != BootTime{}) == written, name_of(notice.kind));
    }
    const BootTime told = world.find(key(1))->last_notice_at;
    EXPECT(told == start + 1600s, "also at the end");
}

/// Returns a world with a graphical session whose idle action is lock.
World desktop(Mode mode) {
    World world({.idle = 15min, .warn = five_and_one, .mode = mode});
    world.policy.host.defaults.on_idle = policy::Setting<policy::OnIdle>{policy::OnIdle::lock};
    world.ask(console());
    world.logind_shows(key(1), /*graphical=*/true);
    (void)world.take_log();
    return world;
}

/// Lets the session be idle for `seconds`, after it was already idle for `before` seconds.
void leave_alone(World& world, int seconds, int before = 0) {
    for (int second = before + 1; second <= before + seconds; ++second) {
        world.other_samples[key(1)].hint = Duration(std::chrono::seconds(second));
        world.pass(1s);
    }
}

SESSLIMIT_TEST(idle_desktop_locked_once_until_used_again) {
    World world = desktop(Mode::enforce);
    leave_alone(world, 4000);
    EXPECT_TEXT(world.take_log(), "600 tell warned 1 idle left 300; 840 tell warned 1 idle left 60; "
                                  "900 lock c1, tell locked 1 idle");
    world.other_samples[key(1)].hint = Duration{}; // the session is used
    world.pass(1000s);
    EXPECT_TEXT(world.take_log(), "");
    EXPECT(world.find(key(1))->idle_warned == unlimited_duration, "warnings start over");
    leave_alone(world, 2000);
    const std::string log = world.take_log();
    EXPECT(log.ends_with("lock c1, tell locked 1 idle"), log);
    EXPECT_TEXT(world.fault, "");
}

/// Each locking counts as the last use from then on, which is later than the last activity of a shell in use.
SESSLIMIT_TEST(end_idlest_displaces_locked_session_first) {
    World world = desktop(Mode::enforce);
    world.policy.host.defaults.max_sessions = policy::Setting<policy::Count>{2};
    world.policy.host.defaults.at_limit = policy::Setting<policy::AtLimit>{policy::AtLimit::end_idlest};
    leave_alone(world, 800);
    const SessionKey shell = world.login();
    world.type(shell);
    leave_alone(world, 300, 800);
    EXPECT(world.find(key(1))->last_input > world.find(shell)->last_input, "locked after the last key in the shell");
    (void)world.take_log();
    world.ask(ssh());
    world.pass(2s);
    const std::string log = world.take_log();
    EXPECT(log.find("tell ending 1 displaced") != log.npos, log);
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(locked_session_warned_before_termination) {
    World world = desktop(Mode::enforce);
    leave_alone(world, 1000);
    world.policy.host.defaults.on_idle = policy::Setting<policy::OnIdle>{policy::OnIdle::end};
    world.feed(core::PolicyChanged{});
    (void)world.take_log();
    leave_alone(world, 1105, 1000);
    EXPECT_TEXT(world.take_log(),
                "1800 tell warned 1 idle left 300; 2040 tell warned 1 idle left 60; 2100 tell ending 1 idle; "
                "2105 terminate c1");
    EXPECT_TEXT(world.fault, "");
}

/// A graphical session whose idle action is lock is warned of the lock, not of a termination.
SESSLIMIT_TEST(idle_warning_announces_lock) {
    for (const Mode mode : {Mode::enforce, Mode::observe}) {
        World world = desktop(mode);
        leave_alone(world, 901);
        using Kind = core::Notice::Kind;
        std::size_t locks = 0;
        for (const core::Notice& notice : world.notices) {
            const bool about_it = notice.kind == Kind::warned || notice.kind == Kind::would_end;
            EXPECT(notice.locks == about_it, name_of(notice.kind));
            locks += notice.locks ? 1 : 0;
        }
        EXPECT(locks == (mode == Mode::enforce ? 2U : 1U), world.take_log());
    }
}

/// The daemon does not write to sessions without enforced limits.
SESSLIMIT_TEST(missed_reason_offered_only_under_enforced_limits) {
    struct Case {
        std::string_view about;
        Rules rules;
        policy::Quiet quiet = policy::Quiet::no;
        bool graphical = false;
        bool is_offered = true;
    };
    const Case cases[] = {
        {"a limit", {.idle = 1h}},
        {"a number of sessions", {.max = 2}},
        {"no limit", {}, policy::Quiet::no, false, false},
        {"observe", {.max = 2, .mode = policy::Mode::observe}, policy::Quiet::no, false, false},
        {"quiet", {.max = 2}, policy::Quiet::yes, false, false},
        {"graphical", {.max = 2}, policy::Quiet::no, true, false},
    };
    for (const Case& one : cases) {
        World world(one.rules);
        world.policy.host.defaults.quiet = policy::Setting{one.quiet, policy::SourceId{0}, 1};
        world.ask(ssh());
        EXPECT(world.offers.empty(), "not before its terminal can exist");
        world.logind_shows(key(1), one.graphical);
        EXPECT(world.offers.size() == (one.is_offered ? 1 : 0), one.about);
        world.set(one.rules);
        world.pass(1min);
        EXPECT(world.offers.size() == (one.is_offered ? 1 : 0), "once");
    }
    World world({.max = 2}); // a login that logind does not announce
    world.ask(ssh());
    world.pass(core::Timeouts::logind_wait);
    EXPECT(world.offers.size() == 1, "when it becomes active");
}

SESSLIMIT_TEST(notice_of_termination_tells_if_rule_is_quiet) {
    for (const auto quiet : {policy::Quiet::yes, policy::Quiet::no}) {
        World world({.duration = 1min});
        world.policy.host.defaults.quiet = policy::Setting{quiet, policy::SourceId{0}, 1};
        world.login();
        world.pass(61s);
        const auto ending = std::ranges::find(world.notices, core::Notice::Kind::ending, &core::Notice::kind);
        EXPECT(ending != world.notices.end() && ending->quiet == (quiet == policy::Quiet::yes), "quiet");
    }
}

} // namespace
