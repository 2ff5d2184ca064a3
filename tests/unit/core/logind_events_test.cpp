// SPDX-License-Identifier: MIT
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace sesslimit::core;

LogindSession seen(Duration age = 10s) {
    return {.id = "c9",
            .scope = "session-c9.scope",
            .session_class = "user",
            .closing = false,
            .leader = {700, 7000},
            .opened = start - age,
            .login = console()};
}

void only_logins_are_adopted() {
    struct Case {
        std::string_view about;
        void (*change)(LogindSession&);
        std::string_view log;
    };
    constexpr Case cases[] = {
        {"a login", [](LogindSession&) {}, "0 tell adopted 1"},
        {"a login early in boot", [](LogindSession& s) { s.session_class = "user-early"; }, "0 tell adopted 1"},
        {"closing", [](LogindSession& s) { s.closing = true; }, ""},
        {"a greeter", [](LogindSession& s) { s.session_class = "greeter"; }, ""},
        {"a lock screen", [](LogindSession& s) { s.session_class = "lock-screen"; }, ""},
        {"background", [](LogindSession& s) { s.session_class = "background"; }, ""},
        {"a user manager", [](LogindSession& s) { s.session_class = "manager"; }, ""},
        {"no class", [](LogindSession& s) { s.session_class.clear(); }, ""},
        {"cron", [](LogindSession& s) { s.login.service = "cron"; }, ""},
        {"a dead leader", [](LogindSession& s) { s.leader = {}; }, "0 tell ending 1 leader, terminate c9"},
        {"of the future", [](LogindSession& s) { s.opened = start + 1h; }, "0 tell adopted 1"},
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

void an_adopted_session_takes_a_place() {
    World world({.max = 1});
    world.feed(LogindSessionNew{seen()});
    EXPECT(world.login() == SessionKey::none, "full");
    world.feed(LogindSessionRemoved{"c9"});
    EXPECT(world.login() != SessionKey::none, "free");
}

void logind_is_joined_by_the_leader() {
    World world;
    world.ask(ssh());
    LogindSession session = seen();
    session.leader = {501, 5010};
    world.feed(LogindSessionNew{session});
    const Session& joined = *world.find(key(1));
    EXPECT(joined.phase == Phase::active && joined.logind_id == "c9" && joined.scope == "session-c9.scope", "active");
    EXPECT(joined.opened == start && !joined.adopted && joined.login == ssh(), "PAM knows better");
    EXPECT(world.state.sessions().size() == 1, "one session");

    world.ask(ssh());
    session.id = "c10";
    session.leader = {502, 1}; // its pid alone is the same: another process
    world.feed(LogindSessionNew{session});
    EXPECT_TEXT(world.phase(key(2)), "admitted");
    EXPECT(world.find(key(3))->adopted, "a third one");
    EXPECT_TEXT(world.fault, "");
}

void a_session_that_is_none_gives_its_place_back() {
    World world({.max = 1, .at_limit = policy::AtLimit::end_oldest});
    world.ask(console());
    world.ask(ssh());
    world.pass(100ms); // waits for a place
    LogindSession greeter = seen();
    greeter.leader = {501, 5010};
    greeter.session_class = "greeter";
    world.feed(LogindSessionNew{greeter});
    EXPECT_TEXT(world.phase(key(1)), "ending"); // it was asked to go already, and goes
    world.leader_exits(key(1));
    world.feed(LogindSessionRemoved{"c9"});
    EXPECT_TEXT(world.phase(key(2)), "admitted");

    World other({.max = 1});
    other.ask(console());
    other.feed(LogindSessionNew{greeter});
    EXPECT_TEXT(other.phase(key(1)), "released");
    EXPECT(other.login() != SessionKey::none, "its place is free");

    World third({.max = 2, .at_limit = policy::AtLimit::end_oldest});
    third.login();
    third.ask(console()); // leader 502
    third.ask(ssh());
    third.pass(100ms); // waits for the place of the first
    greeter.leader = {502, 5020};
    third.feed(LogindSessionNew{greeter});
    EXPECT_TEXT(third.phase(key(3)), "admitted");
    EXPECT_TEXT(world.fault + other.fault + third.fault, "");
}

/// A login's whole life, told by other orders of the same events.
void any_order_of_goodbyes_is_one_goodbye() {
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
        EXPECT(world.state.sessions().empty() && world.state.counted(alice) == 0, "nothing is left");
        EXPECT_TEXT(world.fault, "");
    }
}

/// Whether it logged out properly while no daemon was there, logind says: what it left running is ended with nothing.
void who_has_gone_in_the_meantime_is_not_ended() {
    for (const Phase phase : {Phase::admitted, Phase::active}) {
        World world;
        world.feed(SessionRestored{.session = session_in(phase, key(40)), .leader_gone = true});
        EXPECT(world.state.sessions().empty(), name_of(phase));
        EXPECT_TEXT(world.take_log(), "0 tell released 40");
        world.pass(1min);
        EXPECT_TEXT(world.take_log() + world.fault, "");
    }
    World world;
    world.feed(SessionRestored{.session = session_in(Phase::ending, key(40)), .leader_gone = true});
    EXPECT(world.find(key(40)) != nullptr, "its end goes on");
}

/// A service that ignore_services has come to name, by a reload or while no daemon was there.
void a_service_that_is_ignored_by_now_counts_no_more() {
    World world({.max = 1, .duration = 10min});
    world.login();
    (void)world.take_log();
    world.policy.host.ignore_services = {.value = {"sshd"}};
    world.feed(PolicyChanged{});
    EXPECT_TEXT(world.phase(key(1)), "released");
    EXPECT(world.state.counted(alice) == 0, "its place is free");
    world.pass(1h);
    EXPECT_TEXT(world.take_log() + world.fault, "");
    world.feed(SessionRestored{.session = session_in(Phase::active, key(40)), .leader_gone = false});
    EXPECT_TEXT(world.phase(key(40)), "released");
    world.leader_exits(key(40));
    EXPECT(world.find(key(40)) == nullptr, "gone with its leader");
    EXPECT_TEXT(world.fault, "");
}

void a_restored_session_keeps_what_it_was() {
    for (const Phase phase : {Phase::admitted, Phase::active, Phase::ending, Phase::denied, Phase::closed}) {
        World world;
        const Session session = session_in(phase, key(40));
        world.feed(SessionRestored{session});
        EXPECT(world.find(key(40)) != nullptr && *world.find(key(40)) == session, name_of(phase));
        EXPECT(world.state.next_key() == key(41), name_of(phase));
        EXPECT_TEXT(world.log + world.fault, "");
        world.feed(LogindSessionNew{seen()}); // logind lists another, then this one
        LogindSession same = seen();
        same.id = "c1";
        same.leader = session.leader;
        same.login = session.login;
        world.feed(LogindSessionNew{same});
        EXPECT(world.state.sessions().size() == 2, name_of(phase));
    }
}

void who_waited_when_the_daemon_stopped_asks_again() {
    World world;
    world.feed(SessionRestored{session_in(Phase::waiting)});
    EXPECT(world.state.sessions().empty(), "forgotten");
}

struct Downtime {
    std::string_view about;
    Rules rules;     ///< of before and after
    Duration age;    ///< of the session at the restart
    Duration warned; ///< of its duration or idleness
    std::string_view log;
};

/// What fell due while no daemon was there: nobody is ended without the warning they are owed.
void a_restart_surprises_nobody() {
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
        {"after the end, and none warns", {.duration = 1h}, 61min, unlimited_duration, "0 tell ending 1 duration"},
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
        world.log.resize(std::min(world.log.size(), one.log.size())); // up to the end itself
        const std::string about = std::string(one.about) + ": ";
        EXPECT_TEXT(about + world.take_log(), about + std::string(one.log));
        EXPECT_TEXT(world.fault, "");
    }
}

void a_leaderless_session_of_the_ledger_is_ended_once_that_is_meant() {
    World world({.max = 1});
    Session session = session_in(Phase::active);
    session.leader = {};
    session.observed = true; // by the policy of before
    world.feed(SessionRestored{session});
    EXPECT_TEXT(world.take_log(), "0 tell ending 1 leader, terminate c1");
    EXPECT_TEXT(world.fault, "");
}

/// A session that the daemon found in logind is logged out, or loses its leader otherwise.
void LeaderExit_OfAdoptedSession_TerminatesOnlyUnderLimits() {
    struct Case {
        std::string_view about;
        Rules rules;
        bool logout; ///< logind reports State=closing
        std::string_view log;
        std::string_view phase;
    };
    const Case cases[] = {
        {"logout, no limits", {}, true, "check logout c9; 0 tell released 1", "gone"},
        {"logout, limited", {.max = 1}, true, "check logout c9; 0 tell released 1", "gone"},
        {"logout, observed",
         {.max = 1, .mode = policy::Mode::observe},
         true,
         "check logout c9; 0 tell released 1",
         "gone"},
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
        EXPECT(world.state.counted(alice) == (one.phase == "gone" ? 0 : 1), "counted as long as it is there");
        world.feed(LogindSessionRemoved{"c9"});
        EXPECT(world.state.sessions().empty(), one.about);
        EXPECT_TEXT(world.fault, "");
    }
}

/// sshd's monitor is killed: no pam_close_session, and a shell may go on. logind 257 calls that closing too.
void LeaderExit_OfAdmittedSession_TerminatesOnlyUnderLimits() {
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
    EXPECT_TEXT(unlimited.take_log() + unlimited.phase(key(1)), "active"); // a limit that came later does not judge it
    unlimited.logind_forgets(key(1));
    EXPECT_TEXT(unlimited.take_log() + unlimited.fault, "172800 tell released 1");

    World limited({.max = 1});
    limited.login();
    (void)limited.take_log();
    limited.closing.insert(key(1));
    limited.leader_exits(key(1));
    EXPECT_TEXT(limited.take_log(), "0 tell ending 1 leader, terminate c1");
    EXPECT(limited.login() == SessionKey::none, "it counts until logind says that nothing of it is left");
    limited.logind_forgets(key(1));
    EXPECT(limited.login() != SessionKey::none, "its place is free");
    EXPECT_TEXT(limited.fault, "");
}

/// logind does not answer at first: nothing is terminated, and it is asked again, also under another policy.
void LeaderExit_LogindSilent_AsksAgain() {
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
    EXPECT_TEXT(world.phase(key(1)) + world.fault, "gone");
}

/// PAM closes a session of machinectl shell after its leader has exited.
void LeaderExit_ClosedLate_IsALogout() {
    World world({.max = 1, .at_limit = policy::AtLimit::end_oldest});
    world.feed(LogindSessionNew{seen()});
    world.leader_exits(key(1));
    (void)world.take_log();
    world.ask(ssh());
    world.pass(500ms);
    EXPECT_TEXT(world.phase(key(1)), "active"); // what may have been logged out is not displaced
    world.closing.insert(key(1));
    world.pass(1s);
    EXPECT_TEXT(world.phase(key(1)) + world.fault, "gone");
}

/// The answer was lost with the daemon: logind's list shows that the session was logged out.
void Restore_LoggedOutMeanwhile_IsReleased() {
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
    EXPECT_TEXT(world.take_log() + world.phase(key(1)) + world.fault, "0 tell released 1gone");
}

void Adopt_LeaderlessWithoutLimits_IsLeftAlone() {
    World world;
    LogindSession session = seen();
    session.leader = {};
    world.feed(LogindSessionNew{session});
    world.pass(24h);
    EXPECT_TEXT(world.take_log() + world.phase(key(1)) + world.fault, "0 tell adopted 1live");
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(only_logins_are_adopted),
        SESSLIMIT_TEST(an_adopted_session_takes_a_place),
        SESSLIMIT_TEST(logind_is_joined_by_the_leader),
        SESSLIMIT_TEST(a_session_that_is_none_gives_its_place_back),
        SESSLIMIT_TEST(any_order_of_goodbyes_is_one_goodbye),
        SESSLIMIT_TEST(who_has_gone_in_the_meantime_is_not_ended),
        SESSLIMIT_TEST(a_service_that_is_ignored_by_now_counts_no_more),
        SESSLIMIT_TEST(a_restored_session_keeps_what_it_was),
        SESSLIMIT_TEST(who_waited_when_the_daemon_stopped_asks_again),
        SESSLIMIT_TEST(a_restart_surprises_nobody),
        SESSLIMIT_TEST(a_leaderless_session_of_the_ledger_is_ended_once_that_is_meant),
        SESSLIMIT_TEST(LeaderExit_OfAdoptedSession_TerminatesOnlyUnderLimits),
        SESSLIMIT_TEST(LeaderExit_OfAdmittedSession_TerminatesOnlyUnderLimits),
        SESSLIMIT_TEST(LeaderExit_LogindSilent_AsksAgain),
        SESSLIMIT_TEST(LeaderExit_ClosedLate_IsALogout),
        SESSLIMIT_TEST(Restore_LoggedOutMeanwhile_IsReleased),
        SESSLIMIT_TEST(Adopt_LeaderlessWithoutLimits_IsLeftAlone),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
