// SPDX-License-Identifier: MIT
#include "tests/ctl/schema.hpp"
#include "tests/ctl/world.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <csignal>

#include <sstream>

using namespace sesslimit;
using namespace sesslimit::test;

namespace {

/// Emits signals until the program reports one, because signals arrive only after the program has subscribed.
bool hears(World& world, Program& program) {
    for (int round = 0; round < 400; ++round) {
        world.service.emit_policy("files");
        if (program.hears_within("policy-changed", 50)) {
            return true;
        }
    }
    return false;
}

SESSLIMIT_TEST(watch_prints_events_until_signal) {
    for (const int signal : {SIGINT, SIGTERM}) {
        World world;
        Program program(world.start({"watch"}));
        const bool ready = hears(world, program);
        ctl::Session session = alices_session();
        session.reason = "no input for 15min";
        world.service.emit("SessionWarned", "warned", session, 5 * minute);
        const bool warned = program.wait_for("12 alice sshd from 192.0.2.7, 5min left: no input for 15min\n");
        world.service.emit("SessionEnded", "ended", session, ctl::infinity);
        const bool ended = program.wait_for("ended        12 alice");
        program.signal(signal);
        const auto outcome = program.finish();
        EXPECT(ready && warned && ended, outcome.out + outcome.err);
        EXPECT(outcome.exit == 0, outcome.err);
    }
}

SESSLIMIT_TEST(watch_prints_one_json_object_per_line) {
    World world;
    Program program(world.start({"watch", "--json=short"}));
    const bool ready = hears(world, program);
    world.service.emit("SessionDenied", "denied", alices_session(""), ctl::infinity);
    const bool denied = program.wait_for("\"denied\"");
    program.signal(SIGTERM);
    const auto outcome = program.finish();
    EXPECT(ready && denied && outcome.exit == 0, outcome.out);
    std::istringstream lines(outcome.out);
    for (std::string line; std::getline(lines, line);) {
        EXPECT_TEXT(document_problem("watch.json", line), "");
    }
}

SESSLIMIT_TEST(watch_ignores_forged_signals) {
    World world;
    Program program(world.start({"watch"}));
    const bool ready = hears(world, program);
    // Any client of the system bus can send a unicast signal to any other client.
    for (int number = 1; number < 12; ++number) {
        auto forged =
            world.start({"--address=" + world.bus.address(), "--type=signal", "--dest=:1." + std::to_string(number),
                         "/org/sesslimit1", "org.sesslimit1.Manager.PolicyChanged", "string:forged"});
        forged.command = "/usr/bin/dbus-send";
        test::run(forged);
    }
    world.service.emit_policy("kept");
    const bool heard = program.wait_for("policy-changed kept\n");
    program.signal(SIGTERM);
    const auto outcome = program.finish();
    EXPECT(ready && heard, outcome.out);
    EXPECT(!contains(outcome.out, "forged"), outcome.out);
}

SESSLIMIT_TEST(watch_continues_after_daemon_restart) {
    World world;
    Program program(world.start({"watch"}));
    const bool ready = hears(world, program);
    world.service.drop_name();
    const bool away = program.wait_for("connection to sesslimitd lost");
    world.service.take_name();
    const bool back = program.wait_for("reconnected to sesslimitd");
    world.service.emit_policy("kept");
    const bool heard = program.wait_for("policy-changed kept\n");
    program.signal(SIGTERM);
    const auto outcome = program.finish();
    EXPECT(ready && away && back && heard && outcome.exit == 0, outcome.out + outcome.err);
}

SESSLIMIT_TEST(watch_fails_when_bus_stops) {
    World world;
    Program program(world.start({"watch"}));
    const bool ready = hears(world, program);
    world.bus.stop();
    const auto outcome = program.finish();
    EXPECT(ready && outcome.exit == 1 && contains(outcome.err, "systemctl start sesslimitd"), outcome.err);
}

SESSLIMIT_TEST(watch_exits_when_output_is_closed) {
    World world;
    Program program(world.start({"watch"}));
    const bool ready = hears(world, program);
    program.close_output();
    const auto outcome = program.finish(); // without another event
    EXPECT(ready && outcome.exit == 0, outcome.err);
}

SESSLIMIT_TEST(watch_escapes_control_characters) {
    World world;
    Program program(world.start({"watch"}));
    const bool ready = hears(world, program);
    ctl::Session session = alices_session();
    session.user = session.origin = session.reason = "\033[2J\nevil";
    world.service.emit("SessionEnded", "ended", session, ctl::infinity);
    world.service.emit_policy("\033evil");
    const bool heard = program.wait_for("policy-changed \\x1bevil\n");
    program.signal(SIGTERM);
    const auto outcome = program.finish();
    EXPECT(ready && heard, outcome.out);
    EXPECT(!contains(outcome.out, "\033") && !contains(outcome.out, "\nevil"), outcome.out);
}

} // namespace
