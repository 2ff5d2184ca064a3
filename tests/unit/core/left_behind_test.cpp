// SPDX-License-Identifier: MIT
// Sessions of which processes still run after a logout.
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

/// mosh-server, or a job of setsid(1), runs on after the logout.
SESSLIMIT_TEST(processes_left_behind_are_kept_until_requested) {
    World world({.max = 1, .duration = 10min, .idle = 5min});
    world.login();
    world.feed(CloseRequested{RequestId{9}, key(1), {501, 5010}});
    EXPECT_TEXT(world.phase(key(1)), "closed");
    world.leader_exits(key(1));
    (void)world.take_log();
    world.pass(1h);
    EXPECT_TEXT(world.take_log() + world.phase(key(1)), "left behind"); // no limit applies
    EXPECT(world.state.counted(alice) == 0, "its slot is free");
    EXPECT(world.login() == key(2), "another session is admitted");
    (void)world.take_log();
    world.feed(TerminationRequested{key(1), "root"});
    EXPECT(world.state.counted(alice) == 1, "its termination does not occupy a slot");
    world.pass(6s);
    EXPECT_TEXT(world.take_log(), "3600 tell ending 1 asked; 3600.5 stop c1; 3605.5 kill c1, tell forced 1 asked");
    world.feed(LogindSessionRemoved{"c1"});
    EXPECT_TEXT(world.take_log() + world.phase(key(1)) + world.fault, "3606 tell ended 1 askedgone");
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

} // namespace
