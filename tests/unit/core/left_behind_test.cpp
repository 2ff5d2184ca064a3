// SPDX-License-Identifier: MIT
// Sessions of which processes still run after a logout.
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace sesslimit::core;

using policy::CountLeftBehind;
using policy::LimitLeftBehind;

/// Logs alice in and out. Processes of the session still run.
void leave(World& world, SessionKey session) {
    const Leader leader = world.find(session)->leader;
    world.feed(CloseRequested{RequestId{9}, session, leader});
    EXPECT_TEXT(world.phase(session), "closed");
    world.leader_exits(session);
    EXPECT_TEXT(world.phase(session), "left behind");
    (void)world.take_log();
}

/// Lets the session's probes find a UDP socket, as that of mosh-server, and a terminal.
void run_mosh(World& world, SessionKey session) {
    world.other_samples[session].has_udp_socket = true;
    world.type(session); // the terminal is created
}

/// mosh-server, or a job of setsid(1), runs on after the logout.
SESSLIMIT_TEST(processes_left_behind_are_kept_until_requested) {
    World world({.max = 1, .duration = 10min, .idle = 5min});
    world.login();
    leave(world, key(1));
    world.pass(1h);
    EXPECT_TEXT(world.take_log() + world.phase(key(1)), "left behind"); // no limit applies
    EXPECT(world.looks < 15, "probed once in each shortest limit");
    EXPECT(world.state.counted(alice) == 0, "its slot is free");
    EXPECT(world.login() == key(2), "another session is admitted");
    (void)world.take_log();
    world.feed(TerminationRequested{key(1), {.name = "root", .uid = 0}});
    EXPECT(world.state.counted(alice) == 1, "its termination does not occupy a slot");
    world.pass(6s);
    EXPECT_TEXT(world.take_log(), "3600 tell ending 1 asked; 3600.5 stop c1; 3605.5 kill c1, tell forced 1 asked");
    world.feed(LogindSessionRemoved{"c1"});
    EXPECT_TEXT(world.take_log() + world.phase(key(1)) + world.fault, "3606 tell ended 1 askedgone");
}

SESSLIMIT_TEST(mosh_is_limited_after_it_was_used) {
    struct Case {
        std::string_view about;
        Rules rules;
        bool is_udp;
        Duration typed; ///< time since the logout; 0: never
        std::string_view log;
    };
    const Rules idle{.idle = 5min, .warn = std::vector<Duration>{1min}};
    const Rules duration{.duration = 20min, .warn = std::vector<Duration>{1min}};
    const Case cases[] = {
        {"not used", idle, true, 0s, ""},
        {"used, idle", idle, true, 60s, "304 tell warned 1 idle left 60; 364 tell ending 1 idle; 364.5 stop c1"},
        {"used, duration", duration, true, 60s,
         "1140 tell warned 1 duration left 60; 1200 tell ending 1 duration; 1200.5 stop c1"},
        {"no UDP socket, such as screen", idle, false, 60s, ""},
        {"used only while it starts", idle, true, 1s, ""},
    };
    for (const Case& one : cases) {
        World world(one.rules);
        world.login();
        leave(world, key(1));
        run_mosh(world, key(1));
        world.other_samples[key(1)].has_udp_socket = one.is_udp;
        if (one.typed != 0s) {
            world.pass_until(one.typed);
            world.type(key(1));
        }
        world.pass_until(1201s);
        const std::string about = std::string(one.about) + ": ";
        EXPECT_TEXT(about + world.take_log().substr(0, one.log.size()), about + std::string(one.log));
        EXPECT_TEXT(about + world.fault, about);
    }
}

SESSLIMIT_TEST(limit_left_behind_limits_each_session) {
    World world({.duration = 20min, .idle = 1min, .limit_left_behind = LimitLeftBehind::yes});
    world.login();
    world.other_samples[key(1)].processor_time = 0s; // a sleeping job without a terminal
    leave(world, key(1));
    world.pass_until(61s);
    EXPECT_TEXT(world.take_log(), "60 tell ending 1 idle; 60.5 stop c1");

    World busy({.duration = 20min, .idle = 5min, .limit_left_behind = LimitLeftBehind::yes});
    busy.other_samples[key(1)].processor_time = 0s;
    busy.login();
    leave(busy, key(1));
    for (int minute = 1; minute <= 20; ++minute) {
        busy.other_samples[key(1)].processor_time = minute * 30s;
        busy.pass(1min);
    }
    busy.pass(1s);
    EXPECT_TEXT(busy.take_log() + busy.fault, "1200 tell ending 1 duration; 1200.5 stop c1");
}

SESSLIMIT_TEST(count_left_behind_counts_each_session) {
    World world({.max = 1, .count_left_behind = CountLeftBehind::yes});
    world.login();
    leave(world, key(1));
    world.pass(2s);
    EXPECT(world.state.counted(alice) == 1, "counted");
    EXPECT(world.login() == SessionKey::none, "denied");
    (void)world.take_log();
    world.feed(LogindSessionRemoved{"c1"});
    EXPECT_TEXT(world.take_log() + world.phase(key(1)), "2 tell released 1gone");
    EXPECT(world.login() == key(3), "admitted");
    leave(world, key(3));
    (void)world.take_log();
    world.set({.max = 1});
    EXPECT(world.state.counted(alice) == 0, "the new policy does not count it");
    world.set({.max = 1, .count_left_behind = CountLeftBehind::yes});
    EXPECT(world.state.counted(alice) == 1, "it is counted again");
    EXPECT_TEXT(world.fault, "");
}

/// Between a logout and the exit of the last process, a session that may be left behind occupies its slot. A login at
/// the limit waits for it.
SESSLIMIT_TEST(count_by_new_policy_reported) {
    World world({.max = 1});
    world.login();
    leave(world, key(1));
    (void)world.login();
    (void)world.take_log();
    world.set({.max = 1, .count_left_behind = CountLeftBehind::yes});
    EXPECT_TEXT(world.take_log(), "0 tell over-limit 1 limit");
    world.set({.max = 1});
    EXPECT_TEXT(world.take_log(), "");
}

SESSLIMIT_TEST(login_waits_for_end_of_recent_logout) {
    for (const bool has_left : {true, false}) {
        World world({.max = 1, .count_left_behind = CountLeftBehind::yes});
        world.login();
        world.feed(CloseRequested{RequestId{9}, key(1), {501, 5010}});
        EXPECT(world.state.counted(alice) == 1, "it may be left behind");
        (void)world.take_log();
        world.ask(ssh());
        world.pass(100ms);
        world.leader_exits(key(1));
        EXPECT_TEXT(world.take_log() + world.phase(key(2)), "waiting");
        if (has_left) {
            world.logind_forgets(key(1));
            EXPECT_TEXT(world.take_log(), "0.1 admitted 502, tell released 1, tell admitted 2");
        }
        world.pass(2s);
        EXPECT_TEXT(world.take_log(), has_left ? "" : "1 denied 502, tell denied 2 limit");
        EXPECT_TEXT(world.fault, "");
    }
    World world({.max = 1, .count_left_behind = CountLeftBehind::yes}); // logind removes it before the leader exits
    world.login();
    world.feed(CloseRequested{RequestId{9}, key(1), {501, 5010}});
    world.feed(LogindSessionRemoved{"c1"});
    EXPECT(world.state.counted(alice) == 0, "no process is left");
    EXPECT_TEXT(world.phase(key(1)) + world.fault, "closed");
}

SESSLIMIT_TEST(only_input_on_terminal_after_logout_shows_mosh) {
    const Rules rules{.duration = 20min, .idle = 5min, .warn = std::vector<Duration>{1min}};
    World busy(rules); // a batch job without a terminal
    busy.other_samples[key(1)].processor_time = 0s;
    busy.login();
    leave(busy, key(1));
    for (int minute = 1; minute <= 60; ++minute) {
        busy.other_samples[key(1)].has_udp_socket = true;
        busy.other_samples[key(1)].processor_time = minute * 30s;
        busy.pass(1min);
    }
    EXPECT_TEXT(busy.take_log() + busy.phase(key(1)), "left behind");

    World pane(rules); // the terminal of the ssh session is gone, and an older pty remains
    pane.login();
    pane.type(key(1));
    const Duration old = pane.stamps[key(1)];
    pane.pass(100s);
    pane.type(key(1));
    pane.pass(200s);
    leave(pane, key(1));
    pane.other_samples[key(1)].has_udp_socket = true;
    pane.stamps[key(1)] = old;
    pane.pass(1h);
    EXPECT_TEXT(pane.take_log() + pane.phase(key(1)), "left behind");

    World unknown(rules); // a failed query does not end the use of mosh
    unknown.login();
    leave(unknown, key(1));
    run_mosh(unknown, key(1));
    unknown.pass(1min);
    unknown.type(key(1));
    unknown.pass_until(310s);
    EXPECT_TEXT(unknown.take_log(), "304 tell warned 1 idle left 60");
    unknown.other_samples[key(1)].has_udp_socket.reset();
    unknown.pass(55s);
    EXPECT_TEXT(unknown.take_log() + unknown.fault, "364 tell ending 1 idle; 364.5 stop c1");
}

SESSLIMIT_TEST(login_that_no_longer_counts_is_left_alone) {
    World world({.max = 1,
                 .duration = 20min,
                 .count_left_behind = CountLeftBehind::yes,
                 .limit_left_behind = LimitLeftBehind::yes});
    world.login();
    leave(world, key(1));
    world.policy.host.ignore_services = policy::Setting{std::vector<std::string>{"sshd"}, policy::SourceId{0}, 1};
    world.feed(PolicyChanged{});
    EXPECT(world.state.counted(alice) == 0, "not counted");
    world.pass(1h);
    EXPECT_TEXT(world.take_log() + world.phase(key(1)) + world.fault, "left behind");
}

SESSLIMIT_TEST(new_limit_on_left_behind_has_grace_period) {
    struct Case {
        std::string_view about;
        Rules before;
        Rules after;
        bool is_mosh;
        std::string_view log;
    };
    const Rules limited{.duration = 20min, .limit_left_behind = LimitLeftBehind::yes};
    const Case cases[] = {
        {"the key", {.duration = 20min}, limited, false, "3600 tell warned 1 duration left 300; 3900 tell ending 1"},
        {"the limit", {}, limited, false, "3600 tell warned 1 duration left 300; 3900 tell ending 1"},
        {"a limit of mosh", {}, {.duration = 20min}, true, "3600 tell warned 1 duration left 300; 3900 tell ending 1"},
    };
    for (const Case& one : cases) {
        World world(one.before);
        world.login();
        leave(world, key(1));
        if (one.is_mosh) {
            run_mosh(world, key(1));
        }
        world.pass_until(1h);
        if (one.is_mosh) {
            world.type(key(1));
        }
        world.set(one.after);
        world.pass(10min);
        const std::string about = std::string(one.about) + ": ";
        EXPECT_TEXT(about + world.take_log().substr(0, one.log.size()), about + std::string(one.log));
        EXPECT_TEXT(about + world.fault, about);
    }
}

SESSLIMIT_TEST(graphical_session_left_behind_is_not_locked) {
    World world({.idle = 5min, .limit_left_behind = LimitLeftBehind::yes});
    world.policy.host.defaults.on_idle = policy::Setting{policy::OnIdle::lock, policy::SourceId{0}, 1};
    world.ask(console(alice, "gdm-password"));
    world.logind_shows(key(1), true);
    leave(world, key(1));
    world.other_samples[key(1)].hint = 1h;
    world.pass(6min);
    EXPECT(world.take_log().find("lock") == std::string::npos, "no user is in front of it");
    EXPECT_TEXT(world.phase(key(1)) + world.fault, "ending");
}

SESSLIMIT_TEST(counted_session_left_behind_gives_way) {
    for (const policy::AtLimit at_limit : {policy::AtLimit::end_oldest, policy::AtLimit::end_idlest}) {
        World world({.max = 1, .at_limit = at_limit, .count_left_behind = CountLeftBehind::yes});
        world.login();
        leave(world, key(1));
        world.pass(10s);
        world.ask(ssh());
        world.pass(100ms);
        EXPECT_TEXT(world.phase(key(1)) + ", " + world.phase(key(2)), "ending, waiting");
        world.pass(900ms);
        EXPECT_TEXT(world.take_log(), "10 tell ending 1 displaced; 10.5 stop c1");
        world.feed(LogindSessionRemoved{"c1"});
        EXPECT_TEXT(world.take_log() + world.fault, "11 admitted 502, tell ended 1 displaced, tell admitted 2");
    }
}

SESSLIMIT_TEST(kept_programs_of_limited_session_left_behind_preserved) {
    World world({.duration = 20min, .limit_left_behind = LimitLeftBehind::yes});
    world.policy.host.defaults.keep = policy::Setting{policy::Keep{{"tmux"}}, policy::SourceId{0}, 1};
    world.login();
    leave(world, key(1));
    world.pass_until(1201s);
    EXPECT_TEXT(world.take_log() + world.fault, "1200 tell ending 1 duration; 1200.5 stop c1 keeping tmux");
}

/// Returns a world in which a limit has terminated session 1, and the scope kept.scope contains its programs as session
/// 2.
World with_kept_scope() {
    World world({.max = 1, .duration = 20min, .count_left_behind = CountLeftBehind::yes});
    world.policy.host.defaults.keep = policy::Setting{policy::Keep{{"tmux"}}, policy::SourceId{0}, 1};
    world.login();
    world.pass_until(1201s);
    const Session from = *world.find(key(1));
    world.logind_forgets(key(1));
    world.feed(ProgramsPreserved{from, "kept.scope"});
    world.feed(ProgramsPreserved{from, "kept.scope"}); // repeated by the next daemon process
    (void)world.take_log();
    EXPECT_TEXT(world.phase(key(1)) + ", " + world.phase(key(2)) + ", " + world.phase(key(3)),
                "gone, left behind, gone");
    return world;
}

SESSLIMIT_TEST(kept_scope_tracked_until_empty) {
    World world = with_kept_scope();
    EXPECT_TEXT(world.find(key(2))->login.user + world.find(key(2))->scope, "alicekept.scope");
    world.set({.max = 1, .duration = 1s, .limit_left_behind = LimitLeftBehind::yes});
    world.pass(1h);
    EXPECT(world.state.counted(alice) == 0, "not counted");
    EXPECT_TEXT(world.take_log() + world.phase(key(2)), "left behind"); // no limit applies
    world.feed(ScopeEmptied{key(2)});
    EXPECT_TEXT(world.take_log() + world.phase(key(2)) + world.fault, "gone");
}

SESSLIMIT_TEST(kept_scope_terminated_on_request) {
    World world = with_kept_scope();
    world.feed(TerminationRequested{key(2), {.name = "root", .uid = 0}});
    world.pass(6s);
    EXPECT_TEXT(world.take_log(),
                "1201 tell ending 2 asked; 1201.5 stop kept.scope; 1206.5 kill kept.scope, tell forced 2 asked");
    world.set({.max = 1, .count_left_behind = CountLeftBehind::yes});
    EXPECT(world.state.counted(alice) == 0, "never counted");
    Session restored = *world.find(key(2));
    world.feed(SessionRestored{.session = restored, .leader_gone = false}); // a restart of the daemon
    world.feed(ScopeEmptied{key(2)});
    EXPECT_TEXT(world.take_log() + world.phase(key(2)) + world.fault, "1207 tell ended 2 askedgone");
}

SESSLIMIT_TEST(processes_left_behind_survive_restart_of_daemon) {
    World world({.max = 1, .duration = 1min});
    Session session = session_in(Phase::left_behind);
    session.logind_id = "c1";
    session.leader = {};
    session.logged_out = start;
    world.feed(SessionRestored{.session = session, .leader_gone = false});
    LogindSession closing = seen();
    closing.id = "c1";
    closing.closing = true;
    world.feed(LogindSessionNew{closing});
    world.set({.max = 0, .duration = 1s});
    world.pass(1h);
    EXPECT_TEXT(world.take_log() + world.phase(key(1)), "left behind");
    closing.id = "c5";
    closing.leader = {};
    world.feed(LogindSessionNew{closing}); // from before the start of the daemon
    EXPECT_TEXT(world.take_log() + world.phase(key(2)), "left behind");
    EXPECT(world.state.counted(alice) == 0, "no slot is occupied");
    world.feed(LogindSessionRemoved{"c1"});
    world.feed(LogindSessionRemoved{"c5"});
    EXPECT(world.state.sessions().empty(), "all processes have exited");
    EXPECT_TEXT(world.take_log() + world.fault, "");
}

/// The stop is named when the session frees its slot.
SESSLIMIT_TEST(idle_stop_of_logind_named_at_release) {
    struct Case {
        std::optional<Duration> stop;
        std::string_view log;
        std::string_view counted;
    };
    constexpr Case cases[] = {
        {std::nullopt, "0 noted 9, tell released 1", "0 noted 9; 0 tell released 1"},
        {10min, "0 noted 9, tell released 1 logind", "0 noted 9; 0 tell released 1 logind"},
    };
    for (const Case& one : cases) {
        for (const auto count : {policy::CountLeftBehind::no, policy::CountLeftBehind::yes}) {
            World world({.max = 1, .count_left_behind = count});
            world.login();
            (void)world.take_log();
            world.feed(CloseRequested{RequestId{9}, key(1), {501, 5010}, one.stop});
            world.feed(LeaderExited{key(1)});
            world.feed(LogindSessionRemoved{"c1"});
            EXPECT_TEXT(world.take_log() + world.fault, count == policy::CountLeftBehind::no ? one.log : one.counted);
            for (const Notice& notice : world.notices) {
                EXPECT(notice.kind != Notice::Kind::released || notice.reason.span == one.stop.value_or(Duration{}),
                       one.log);
            }
        }
    }
}

/// login(1) exits without closing the session if logind stops it.
SESSLIMIT_TEST(idle_stop_of_logind_named_if_leader_exits) {
    struct Case {
        Rules rules;
        std::optional<Duration> stop;
        std::string_view log;
    };
    const Case cases[] = {
        {{}, std::nullopt, "0 tell released 1"},
        {{}, 10min, "0 tell released 1 logind"},
        {{.duration = 8h}, std::nullopt, "0 tell ending 1 leader, terminate c1; 0 tell ended 1 leader"},
        {{.duration = 8h}, 10min, "0 tell ending 1 logind, terminate c1; 0 tell ended 1 logind"},
        {{.duration = 8h, .mode = policy::Mode::observe}, 10min, "0 tell would-end 1 logind; 0 tell released 1 logind"},
    };
    for (const Case& one : cases) {
        World world(one.rules);
        world.login();
        (void)world.take_log();
        world.feed(LeaderExited{key(1), one.stop});
        world.feed(LogindSessionRemoved{"c1"});
        EXPECT_TEXT(world.take_log() + world.fault, one.log);
    }
}

/// mosh-server was started over ssh. The connection has ended, so a key that no program reads is not noticed.
SESSLIMIT_TEST(warning_of_mosh_asks_for_key_at_prompt) {
    for (const bool has_channel : {false, true}) {
        World world({.idle = 10min, .warn = std::vector<Duration>{1min}});
        world.other_samples[key(1)].connection = SocketSample{.cookie = 7};
        world.other_samples[key(1)].has_channel = has_channel;
        world.login();
        world.other_samples[key(1)].connection.reset();
        leave(world, key(1));
        run_mosh(world, key(1));
        world.pass(1min);
        world.type(key(1));
        world.pass(30min);
        EXPECT(!world.notices.empty() && world.notices.size() > 1, world.log);
        for (const Notice& notice : world.notices) {
            if (notice.kind == Notice::Kind::warned) {
                EXPECT(notice.sources.input && !notice.sources.unread_keys && !notice.sources.channel,
                       has_channel ? "channel" : "keys");
            }
        }
    }
}

} // namespace
