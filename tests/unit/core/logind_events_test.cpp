// SPDX-License-Identifier: MIT
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace sesslimit::core;

SESSLIMIT_TEST(adopt_only_user_logins) {
    struct Case {
        std::string_view about;
        void (*change)(LogindSession&);
        std::string_view log;
    };
    constexpr Case cases[] = {
        {"a login", [](LogindSession&) {}, "0 tell adopted 1"},
        {"a login early in boot", [](LogindSession& s) { s.session_class = "user-early"; }, "0 tell adopted 1"},
        {"a greeter", [](LogindSession& s) { s.session_class = "greeter"; }, ""},
        {"a lock screen", [](LogindSession& s) { s.session_class = "lock-screen"; }, ""},
        {"background", [](LogindSession& s) { s.session_class = "background"; }, ""},
        {"a user manager", [](LogindSession& s) { s.session_class = "manager"; }, ""},
        {"no class", [](LogindSession& s) { s.session_class.clear(); }, ""},
        {"cron", [](LogindSession& s) { s.login.service = "cron"; }, ""},
        {"a dead leader", [](LogindSession& s) { s.leader = {}; }, "0 tell ending 1 leader, terminate c9"},
        {"opened in the future", [](LogindSession& s) { s.opened = start + 1h; }, "0 tell adopted 1"},
    };
    for (const Case& one : cases) {
        World world({.max = 0});
        LogindSession session = seen();
        one.change(session);
        world.feed(LogindSessionNew{session});
        world.feed(LogindSessionNew{session}); // logind lists it once more
        const std::string about = std::string(one.about) + ": ";
        EXPECT_TEXT(about + world.take_log(), about + std::string(one.log));
        for (const auto& [key, adopted] : world.state.sessions()) {
            EXPECT(adopted.opened <= world.now && adopted.adopted && adopted.logind_id == "c9", one.about);
        }
        EXPECT_TEXT(world.fault, "");
    }
}

SESSLIMIT_TEST(adopted_session_occupies_slot) {
    World world({.max = 1});
    world.feed(LogindSessionNew{seen()});
    EXPECT(world.login() == SessionKey::none, "limit reached");
    world.feed(LogindSessionRemoved{"c9"});
    EXPECT(world.login() != SessionKey::none, "slot is free");
}

SESSLIMIT_TEST(logind_session_joined_by_leader) {
    World world;
    world.ask(ssh());
    LogindSession session = seen();
    session.leader = {501, 5010};
    world.feed(LogindSessionNew{session});
    const Session& joined = *world.find(key(1));
    EXPECT(joined.phase == Phase::active && joined.logind_id == "c9" && joined.scope == "session-c9.scope", "active");
    EXPECT(joined.opened == start && !joined.adopted && joined.login == ssh(), "data from PAM is kept");
    EXPECT(world.state.sessions().size() == 1, "one session");

    world.ask(ssh());
    session.id = "c10";
    session.leader = {502, 1}; // only the PID is the same: another process
    world.feed(LogindSessionNew{session});
    EXPECT_TEXT(world.phase(key(2)), "admitted");
    EXPECT(world.find(key(3))->adopted, "adopted as a third session");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(join_non_login_class_releases_slot) {
    World world({.max = 1, .at_limit = policy::AtLimit::end_oldest});
    world.ask(console());
    world.ask(ssh());
    world.pass(100ms); // waits for a slot
    LogindSession greeter = seen();
    greeter.leader = {501, 5010};
    greeter.session_class = "greeter";
    world.feed(LogindSessionNew{greeter});
    EXPECT_TEXT(world.phase(key(1)), "ending"); // termination was requested before and continues
    world.leader_exits(key(1));
    world.feed(LogindSessionRemoved{"c9"});
    EXPECT_TEXT(world.phase(key(2)), "admitted");

    World other({.max = 1});
    other.ask(console());
    other.feed(LogindSessionNew{greeter});
    EXPECT_TEXT(other.phase(key(1)), "closed");
    EXPECT(other.login() != SessionKey::none, "its slot is free");

    World third({.max = 2, .at_limit = policy::AtLimit::end_oldest});
    third.login();
    third.ask(console()); // leader 502
    third.ask(ssh());
    third.pass(100ms); // waits for the slot of the first
    greeter.leader = {502, 5020};
    third.feed(LogindSessionNew{greeter});
    EXPECT_TEXT(third.phase(key(3)), "admitted");
    EXPECT_TEXT(world.fault + other.fault + third.fault, "");
}

/// The end of a login's life, with its events in different orders.
SESSLIMIT_TEST(logout_events_in_any_order_end_session_once) {
    const auto closed = [](World& world) { world.feed(CloseRequested{RequestId{9}, key(1), {501, 5010}}); };
    const auto exits = [](World& world) { world.leader_exits(key(1)); };
    const auto gone = [](World& world) { world.feed(LogindSessionRemoved{"c1"}); };
    using Step = void (*)(World&);
    struct Case {
        Step steps[3];
        std::string_view log;
    };
    const Case cases[] = {
        {{closed, exits, gone}, "0 noted 9, tell released 1"},
        {{closed, gone, exits}, "0 noted 9, tell released 1"},
        {{gone, closed, exits}, "0 tell released 1; 0 noted 9"},
        {{gone, exits, closed}, "0 tell released 1; 0 noted 9"},
        {{exits, gone, closed}, "0 tell ending 1 leader, terminate c1; 0 tell ended 1 leader; 0 noted 9"},
        {{exits, closed, gone}, "0 tell ending 1 leader, terminate c1; 0 noted 9; 0 tell ended 1 leader"},
    };
    for (const Case& one : cases) {
        World world({.max = 1});
        world.login();
        (void)world.take_log();
        for (const Step step : one.steps) {
            step(world);
        }
        EXPECT_TEXT(world.take_log(), one.log);
        EXPECT(world.state.sessions().empty() && world.state.counted(alice) == 0, "no session remains");
        EXPECT_TEXT(world.fault, "");
    }
}

/// The PAM stack of the login does not contain pam_systemd.
SESSLIMIT_TEST(case_B11_session_without_logind_becomes_active) {
    World world({.duration = 1h, .idle = 10min, .warn = std::vector<Duration>{1min}});
    world.ask(ssh());
    world.type(key(1));
    world.pass_until(29s);
    EXPECT_TEXT(world.phase(key(1)), "admitted");
    world.pass_until(31s);
    EXPECT_TEXT(world.phase(key(1)), "active");
    EXPECT_TEXT(world.take_log(), "0 admitted 501, tell admitted 1; 30 report missing logind 1");
    world.pass_until(615s);
    EXPECT_TEXT(world.take_log(), "548 tell warned 1 idle left 60; 608 tell ending 1 idle; "
                                  "608.5 signal 1 TERM with children; "
                                  "613.5 signal 1 KILL with children, tell forced 1 idle");
    EXPECT_TEXT(world.fault, "");
}

/// A process that serves several users, such as an FTP server, is the leader of a session of each of them.
SESSLIMIT_TEST(case_B11_children_of_shared_leader_not_signaled) {
    World world({.duration = 1h, .idle = 10min, .warn = std::vector<Duration>{}});
    world.ask(console(alice, "vsftpd"));
    world.pass_until(3605s);
    EXPECT_TEXT(world.take_log(), "0 admitted 501, tell admitted 1; 30 report missing logind 1; "
                                  "3600 tell ending 1 duration; 3605 signal 1 TERM");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(case_B11_session_without_logind_ends_with_its_leader_or_is_joined) {
    World world({.duration = 1h});
    world.ask(ssh());
    world.ask(ssh());
    world.pass(1min);
    (void)world.take_log();
    world.leader_exits(key(1));
    world.logind_shows(key(2));
    EXPECT_TEXT(world.take_log(), "60 tell released 1");
    EXPECT(world.find(key(2))->logind_id == "c1" && world.phase(key(2)) == "active", "joined late");
    EXPECT_TEXT(world.fault, "");
}

/// logind reports whether the session was logged out properly while the daemon was down. Left-behind processes are not
/// terminated.
SESSLIMIT_TEST(restore_session_with_gone_leader_released) {
    for (const Phase phase : {Phase::admitted, Phase::active}) {
        World world;
        world.feed(SessionRestored{.session = session_in(phase, key(40)), .leader_gone = true});
        EXPECT_TEXT(world.phase(key(40)), phase == Phase::active ? "left behind" : "gone");
        EXPECT_TEXT(world.take_log(), "0 tell released 40");
        world.pass(1min);
        EXPECT_TEXT(world.take_log() + world.fault, "");
    }
    for (const bool logged_out : {true, false}) {
        World world;
        world.feed(SessionRestored{.session = session_in(Phase::active, key(40)), .leader_gone = true});
        (void)world.take_log();
        LogindSession listed = seen();
        listed.id = "c1";
        listed.closing = logged_out;
        world.feed(LogindSessionNew{listed});
        EXPECT_TEXT(world.phase(key(40)), logged_out ? "left behind" : "gone");
        EXPECT_TEXT(world.take_log() + world.fault, logged_out ? "" : "0 tell adopted 41");
        world.feed(LogindSessionRemoved{"c1"});
        EXPECT(world.state.sessions().empty(), "logind has no session");
    }
    World world;
    world.feed(SessionRestored{.session = session_in(Phase::ending, key(40)), .leader_gone = true});
    EXPECT(world.find(key(40)) != nullptr, "its termination continues");
}

/// A service that was added to ignore_services by a reload or while the daemon was down.
SESSLIMIT_TEST(session_of_newly_ignored_service_released) {
    World world({.max = 1, .duration = 10min});
    world.login();
    (void)world.take_log();
    world.policy.host.ignore_services = {.value = {"sshd"}};
    world.feed(PolicyChanged{});
    EXPECT_TEXT(world.phase(key(1)), "closed");
    EXPECT(world.state.counted(alice) == 0, "its slot is free");
    world.pass(1h);
    EXPECT_TEXT(world.take_log() + world.fault, "");
    world.feed(SessionRestored{.session = session_in(Phase::active, key(40)), .leader_gone = false});
    EXPECT_TEXT(world.phase(key(40)), "closed");
    world.leader_exits(key(40));
    EXPECT(world.find(key(40)) == nullptr, "dropped when its leader exits");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(restored_session_unchanged) {
    for (const Phase phase : {Phase::admitted, Phase::active, Phase::ending, Phase::denied, Phase::closed}) {
        World world;
        Session session = session_in(phase, key(40));
        session.last_sample.at = session.last_sample.processor_at = session.perhaps_used = start;
        world.feed(SessionRestored{session});
        EXPECT(world.find(key(40)) != nullptr && *world.find(key(40)) == session, name_of(phase));
        EXPECT(world.state.next_key() == key(41), name_of(phase));
        EXPECT_TEXT(world.log + world.fault, "");
        world.feed(LogindSessionNew{seen()}); // logind lists another session, then this one
        LogindSession same = seen();
        same.id = "c1";
        same.leader = session.leader;
        same.login = session.login;
        world.feed(LogindSessionNew{same});
        EXPECT(world.state.sessions().size() == 2, name_of(phase));
    }
}

SESSLIMIT_TEST(restored_waiting_session_dropped) {
    World world;
    world.feed(SessionRestored{session_in(Phase::waiting)});
    EXPECT(world.state.sessions().empty(), "dropped");
}

struct Downtime {
    std::string_view about;
    Rules rules;     ///< before and after the restart
    Duration age;    ///< of the session at the restart
    Duration warned; ///< warning already sent, for duration or idleness
    std::string_view log;
};

/// Limits that expired while the daemon was down: no session is terminated without its warning.
SESSLIMIT_TEST(restart_past_limit_warns_before_ending) {
    const std::vector<Duration> five = {5min};
    const Downtime cases[] = {
        {"before any warning",
         {.duration = 1h, .warn = five},
         50min,
         unlimited_duration,
         "300 tell warned 1 duration left 300; 600 tell ending 1 duration"},
        {"between warning and end", {.duration = 1h, .warn = five}, 57min, 5min, "180 tell ending 1 duration"},
        {"after the end, warned", {.duration = 1h, .warn = five}, 61min, 5min, "0 tell ending 1 duration"},
        {"after the end, not warned",
         {.duration = 1h, .warn = five},
         61min,
         unlimited_duration,
         "0 tell warned 1 duration left 300; 300 tell ending 1 duration"},
        {"after the end, no warning configured",
         {.duration = 1h},
         61min,
         unlimited_duration,
         "0 tell ending 1 duration"},
        {"idle, warned", {.idle = 30min, .warn = five}, 61min, 5min, "0 tell ending 1 idle"},
        {"idle, not warned",
         {.idle = 30min, .warn = five},
         61min,
         unlimited_duration,
         "0 tell warned 1 idle left 300; 300 tell ending 1 idle"},
    };
    for (const Downtime& one : cases) {
        World world(one.rules);
        Session session = session_in(Phase::active);
        session.opened = start - one.age;
        session.last_input = session.opened;
        session.max_duration = one.rules.duration.value_or(unlimited_duration);
        session.idle_timeout = one.rules.idle.value_or(unlimited_duration);
        session.idle_timeout_no_terminal = session.idle_timeout;
        session.duration_warned = one.rules.duration ? one.warned : unlimited_duration;
        session.idle_warned = one.rules.idle ? one.warned : unlimited_duration;
        session.last_sample.at = session.opened;
        session.last_sample.input = Duration(1'700'000'000s);
        session.terminal = core::Terminal::some;
        session.last_sample.wall_offset = world.wall_offset;
        world.stamps[key(1)] = session.last_sample.input;
        world.feed(SessionRestored{session});
        world.pass(10min);
        world.log.resize(std::min(world.log.size(), one.log.size())); // up to the termination itself
        const std::string about = std::string(one.about) + ": ";
        EXPECT_TEXT(about + world.take_log(), about + std::string(one.log));
        EXPECT_TEXT(world.fault, "");
    }
}

SESSLIMIT_TEST(restore_leaderless_session_terminated_when_mode_becomes_enforce) {
    World world({.max = 1});
    Session session = session_in(Phase::active);
    session.leader = {};
    session.observed = true; // by the previous policy
    world.feed(SessionRestored{session});
    EXPECT_TEXT(world.take_log(), "0 tell ending 1 leader, terminate c1");
    EXPECT_TEXT(world.fault, "");
}

/// A session that the daemon found in logind is logged out, or loses its leader in another way.
SESSLIMIT_TEST(leader_exit_of_adopted_session_terminates_only_under_limits) {
    struct Case {
        std::string_view about;
        Rules rules;
        bool logout; ///< logind reports State=closing
        std::string_view log;
        std::string_view phase;
    };
    const Case cases[] = {
        {"logout, no limits", {}, true, "check logout c9; 0 tell released 1", "left behind"},
        {"logout, limited", {.max = 1}, true, "check logout c9; 0 tell released 1", "left behind"},
        {"logout, observed",
         {.max = 1, .mode = policy::Mode::observe},
         true,
         "check logout c9; 0 tell released 1",
         "left behind"},
        {"killed, no limits", {}, false, "check logout c9; 1 check logout c9", "active"},
        {"killed, limited",
         {.max = 1},
         false,
         "check logout c9; 1 check logout c9; 1 tell ending 1 leader, terminate c9",
         "ending"},
        {"killed, idle limit",
         {.idle = 1h},
         false,
         "check logout c9; 1 check logout c9; 1 tell ending 1 leader, terminate c9",
         "ending"},
        {"killed, observed",
         {.max = 1, .mode = policy::Mode::observe},
         false,
         "check logout c9; 1 check logout c9; 1 tell would-end 1 leader",
         "active"},
    };
    for (const Case& one : cases) {
        World world(one.rules);
        world.feed(LogindSessionNew{seen()});
        (void)world.take_log();
        if (one.logout) {
            world.closing.insert(key(1));
        }
        world.leader_exits(key(1));
        world.pass(1s);
        const std::string about = std::string(one.about) + ": ";
        EXPECT_TEXT(about + world.take_log(), about + "0 " + std::string(one.log));
        EXPECT_TEXT(about + world.phase(key(1)), about + std::string(one.phase));
        EXPECT(world.state.counted(alice) == (one.phase == "left behind" ? 0 : 1), "counted until it is gone");
        world.feed(LogindSessionRemoved{"c9"});
        EXPECT(world.state.sessions().empty(), one.about);
        EXPECT_TEXT(world.fault, "");
    }
}

/// sshd's monitor is killed: pam_close_session is not called, and a shell may continue. logind 257 reports this as
/// closing too.
SESSLIMIT_TEST(leader_exit_of_admitted_session_terminates_only_under_limits) {
    World unlimited;
    unlimited.login();
    (void)unlimited.take_log();
    unlimited.closing.insert(key(1));
    unlimited.leader_exits(key(1));
    unlimited.pass(24h);
    EXPECT_TEXT(unlimited.take_log() + unlimited.phase(key(1)), "active");
    EXPECT(unlimited.state.counted(alice) == 1, "its shell may still be used");
    unlimited.set({.max = 5, .duration = 1000h});
    unlimited.pass(24h);
    EXPECT_TEXT(unlimited.take_log() + unlimited.phase(key(1)), "active"); // a limit set later does not apply to it
    unlimited.logind_forgets(key(1));
    EXPECT_TEXT(unlimited.take_log() + unlimited.fault, "172800 tell released 1");

    World limited({.max = 1});
    limited.login();
    (void)limited.take_log();
    limited.closing.insert(key(1));
    limited.leader_exits(key(1));
    EXPECT_TEXT(limited.take_log(), "0 tell ending 1 leader, terminate c1");
    EXPECT(limited.login() == SessionKey::none, "counted until logind reports it gone");
    limited.logind_forgets(key(1));
    EXPECT(limited.login() != SessionKey::none, "its slot is free");
    EXPECT_TEXT(limited.fault, "");
}

/// logind does not reply at first: the session is not terminated, and the question is repeated, also under another
/// policy.
SESSLIMIT_TEST(leader_exit_with_silent_logind_asks_again) {
    World world({.max = 1, .idle = 5min});
    world.feed(LogindSessionNew{seen()});
    (void)world.take_log();
    world.mute = true;
    world.leader_exits(key(1));
    world.pass(10s);
    world.set({.max = 2, .idle = 6min});
    EXPECT_TEXT(world.take_log(), "0 check logout c9; 10 check logout c9");
    world.mute = false;
    world.closing.insert(key(1));
    world.pass(10s);
    EXPECT_TEXT(world.take_log(), "20 check logout c9; 20 tell released 1");
    EXPECT_TEXT(world.phase(key(1)) + world.fault, "left behind");
}

/// PAM closes a session of machinectl shell after its leader has exited.
SESSLIMIT_TEST(leader_exit_with_late_close_is_logout) {
    World world({.max = 1, .at_limit = policy::AtLimit::end_oldest});
    world.feed(LogindSessionNew{seen()});
    world.leader_exits(key(1));
    (void)world.take_log();
    world.ask(ssh());
    world.pass(500ms);
    EXPECT_TEXT(world.phase(key(1)), "active"); // a session that may have been logged out is not displaced
    world.closing.insert(key(1));
    world.pass(1s);
    EXPECT_TEXT(world.phase(key(1)) + world.fault, "left behind");
}

/// The reply was lost with the daemon. logind's list shows that the session was logged out.
SESSLIMIT_TEST(restore_session_logged_out_meanwhile_released) {
    World world;
    Session session = session_in(Phase::active);
    session.adopted = true;
    session.leader = {};
    world.feed(SessionRestored{session});
    LogindSession closing = seen();
    closing.id = "c1";
    closing.closing = true;
    closing.leader = {};
    world.feed(LogindSessionNew{closing});
    EXPECT_TEXT(world.take_log() + world.phase(key(1)) + world.fault, "0 tell released 1left behind");
}

/// logind also lists sessions as closing whose leader lives, and sessions whose logout the daemon still handles.
SESSLIMIT_TEST(listed_as_closing_only_adopted_without_leader_released) {
    struct Case {
        std::string_view about;
        Phase phase;
        bool adopted;
        bool has_leader;
        std::string_view phase_then;
    };
    constexpr Case cases[] = {
        {"adopted without leader", Phase::active, true, false, "left behind"},
        {"adopted with leader", Phase::active, true, true, "active"},
        {"requested by the module", Phase::active, false, true, "active"},
        {"requested by the module, without leader", Phase::active, false, false, "active"},
        {"closed", Phase::closed, true, false, "closed"},
        {"left behind", Phase::left_behind, false, false, "left behind"},
    };
    for (const Case& one : cases) {
        World world;
        Session session = session_in(one.phase);
        session.adopted = one.adopted;
        session.leader = one.has_leader ? session.leader : Leader{};
        world.feed(SessionRestored{session});
        LogindSession closing = seen();
        closing.id = "c1";
        closing.closing = true;
        closing.leader = session.leader;
        world.feed(LogindSessionNew{closing});
        const std::string about = std::string(one.about) + ": ";
        EXPECT_TEXT(about + world.phase(key(1)) + world.fault, about + std::string(one.phase_then));
    }
}

SESSLIMIT_TEST(adopt_leaderless_session_without_limits_not_terminated) {
    World world;
    LogindSession session = seen();
    session.leader = {};
    world.feed(LogindSessionNew{session});
    world.pass(24h);
    EXPECT_TEXT(world.take_log() + world.phase(key(1)) + world.fault, "0 tell adopted 1active");
}

} // namespace
