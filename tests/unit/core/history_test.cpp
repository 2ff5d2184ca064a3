// SPDX-License-Identifier: MIT
// What the journal needs for the history of sessions: the line of the policy that set the limit of an event, and the
// duration and the longest idle time of a session at its end.
#include "daemon/core/activity.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

namespace sesslimit::test {
namespace {

using namespace core;
using policy::AtLimit;
using policy::Mode;
using Kind = Notice::Kind;

/// Returns a policy whose [defaults] are in line 10 (max_sessions), 13 (max_duration), 14 (idle_timeout) and 15
/// (idle_timeout_no_terminal) of policy.toml. max_sessions_total is in line 3.
policy::Policy located(const Rules& rules, policy::Count total) {
    policy::Policy policy = with_total(rules, total);
    std::uint32_t line = 10;
    policy::for_each_setting(
        [&](std::string_view, auto& setting) {
            if (setting) {
                setting->from = policy.host.rules.front().source;
                setting->line = line;
            }
            ++line;
        },
        policy.host.defaults);
    return policy;
}

std::string text(const policy::Location& location) {
    return location.file.empty() ? "none" : location.file + ':' + std::to_string(location.line);
}

/// Returns the events with a reason, each with the line of its limit: "ending policy.toml:14".
std::string limits_of(const World& world) {
    std::string all;
    for (const Notice& notice : world.notices) {
        if (notice.reason.cause != Cause::none) {
            all += (all.empty() ? "" : ", ") + std::string(name_of(notice.kind)) + " " +
                   text(notice.reason.limit ? *notice.reason.limit : policy::Location{});
        }
    }
    return all;
}

void open_two(World& world) {
    world.login();
    world.pass(10s);
    world.ask(ssh());
    world.pass(1s);
}

void end_slowly(World& world) {
    world.type(world.login());
    world.pass(5min);
    world.logind_forgets(key(1));
}

void displace_at_once(World& world) {
    world.login();
    world.ask(ssh());
    world.pass(3s); // the reason is written 2 s after the login
    world.logind_forgets(key(1));
}

void lower_limit(World& world) {
    world.login();
    world.login();
    world.policy.host.defaults.max_sessions->value = 1;
    world.feed(PolicyChanged{});
}

void idle_without_terminal(World& world) {
    policy::Settings& defaults = world.policy.host.defaults;
    defaults.idle_timeout_no_terminal = defaults.idle_timeout;
    defaults.idle_timeout_no_terminal->line = 15;
    world.other_samples[key(1)].connection.emplace();
    world.login();
    world.pass(63s);
}

void lose_leader(World& world) {
    world.leader_exits(world.login());
}

void end_on_request(World& world) {
    world.feed(TerminationRequested{world.login(), "root"});
}

SESSLIMIT_TEST(reason_has_line_of_its_limit) {
    struct Case {
        std::string_view limits;
        Rules rules;
        void (*happen)(World&);
        policy::Count total = 9;
    };
    const Case cases[] = {
        {"denied policy.toml:10", {.max = 1}, open_two},
        {"denied policy.toml:3", {.max = 5}, open_two, 1},
        {"would-deny policy.toml:10", {.max = 1, .mode = Mode::observe}, open_two},
        {"ending policy.toml:10", {.max = 1, .at_limit = AtLimit::end_oldest}, open_two},
        {"ending policy.toml:10, ended policy.toml:10", {.max = 1, .at_limit = AtLimit::end_oldest}, displace_at_once},
        {"over-limit policy.toml:10", {.max = 3}, lower_limit},
        {"warned policy.toml:13, ending policy.toml:13, forced policy.toml:13, ended policy.toml:13",
         {.duration = 1min, .warn = {{10s}}},
         end_slowly},
        {"warned policy.toml:14, ending policy.toml:14, forced policy.toml:14, ended policy.toml:14",
         {.idle = 1min, .warn = {{10s}}},
         end_slowly},
        {"ending policy.toml:15", {.idle = 1min}, idle_without_terminal},
        {"ending none", {.max = 1}, lose_leader},
        {"ending none", {.max = 1}, end_on_request},
    };
    for (const Case& one : cases) {
        World world;
        world.policy = located(one.rules, one.total);
        one.happen(world);
        EXPECT_TEXT(limits_of(world), one.limits);
        EXPECT_TEXT(world.fault, "");
    }
}

void type_every_10s(World& world, int from, int to) {
    for (int at = from; at <= to; at += 10) {
        world.pass_until(std::chrono::seconds(at));
        world.type(key(1));
    }
}

void log_out_after(World& world, Duration span) {
    world.type(world.login());
    world.pass(span);
    world.logout(key(1));
}

void idle_until_end(World& world) {
    world.type(world.login());
    world.pass(70s);
    world.logind_forgets(key(1));
}

/// The user types every 10 s, but does nothing for 60 s, until after the warning.
void idle_until_warning(World& world) {
    world.login();
    type_every_10s(world, 0, 100);
    world.pass_until(160s);
    world.type(key(1));
    world.feed(InputReceived{key(1)});
    type_every_10s(world, 170, 300);
    world.logout(key(1));
}

void lock_twice(World& world) {
    world.policy.host.defaults.on_idle = policy::Setting{policy::OnIdle::lock};
    world.ask(console());
    world.logind_shows(key(1), /*graphical=*/true);
    for (int at = 60; at <= 180; at += 60) {
        world.other_samples[key(1)].hint = std::chrono::seconds(at);
        world.pass_until(std::chrono::seconds(at));
    }
    world.logout(key(1));
}

void adopt(World& world) {
    world.feed(LogindSessionNew{seen(1h)});
    world.pass(10s);
    world.logind_forgets(key(1));
}

SESSLIMIT_TEST(end_has_duration_and_longest_idle_time) {
    struct Case {
        std::string_view what;
        Rules rules;
        void (*happen)(World&);
        Kind end;
        Duration duration;
        std::int64_t longest_idle; ///< seconds
    };
    const auto log_out = [](World& world) { log_out_after(world, 50s + 400ms); };
    const Case cases[] = {
        {"no idle limit, so no probe", {.duration = 1h}, log_out, Kind::released, 50s + 400ms, 0},
        {"logout before the second probe", {.idle = 1min}, log_out, Kind::released, 50s + 400ms, 0},
        {"idle timeout", {.idle = 1min}, idle_until_end, Kind::ended, 70s, 60},
        {"warned once", {.idle = 1min, .warn = {{4s}}}, idle_until_warning, Kind::released, 300s, 56},
        {"screen locked twice", {.idle = 1min}, lock_twice, Kind::released, 180s, 180},
        {"adopted, since its login", {.max = 1}, adopt, Kind::released, 1h + 10s, 0},
    };
    for (const Case& one : cases) {
        World world;
        world.policy = located(one.rules, 9);
        one.happen(world);
        const Notice& last = world.notices.back();
        EXPECT_TEXT(name_of(last.kind), name_of(one.end));
        EXPECT(last.duration == one.duration, one.what);
        EXPECT(last.session.longest_idle.count() == one.longest_idle,
               std::string(one.what) + ": " + std::to_string(last.session.longest_idle.count()));
        EXPECT(!world.notices.front().duration, "the session is not at its end");
        EXPECT_TEXT(world.fault, "");
    }
}

} // namespace
} // namespace sesslimit::test
