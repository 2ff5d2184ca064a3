// SPDX-License-Identifier: MIT
#include "tests/ctl/schema.hpp"
#include "tests/ctl/world.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <csignal>

#include <sstream>

using namespace sesslimit;
using namespace sesslimit::test;

namespace {

/// A signal comes in only after the watcher has subscribed: tell until it has heard.
bool hears(World& world, Program& program) {
    for (int round = 0; round < 400; ++round) {
        world.service.emit_policy("files");
        if (program.hears_within("policy-changed", 50)) {
            return true;
        }
    }
    return false;
}

void events_come_as_they_happen_until_a_signal_ends_it() {
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

void a_json_object_a_line() {
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

void nobody_else_is_believed() {
    World world;
    Program program(world.start({"watch"}));
    const bool ready = hears(world, program);
    // On the system bus anybody may send a signal straight to anybody.
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

void a_restart_of_the_daemon_is_followed() {
    World world;
    Program program(world.start({"watch"}));
    const bool ready = hears(world, program);
    world.service.drop_name();
    const bool away = program.wait_for("sesslimitd went away");
    world.service.take_name();
    const bool back = program.wait_for("reconnected to sesslimitd");
    world.service.emit_policy("kept");
    const bool heard = program.wait_for("policy-changed kept\n");
    program.signal(SIGTERM);
    const auto outcome = program.finish();
    EXPECT(ready && away && back && heard && outcome.exit == 0, outcome.out + outcome.err);
}

void the_end_of_the_bus_is_its_end() {
    World world;
    Program program(world.start({"watch"}));
    const bool ready = hears(world, program);
    world.bus.stop();
    const auto outcome = program.finish();
    EXPECT(ready && outcome.exit == 1 && contains(outcome.err, "systemctl start sesslimitd"), outcome.err);
}

void the_end_of_its_reader_is_its_end() {
    World world;
    Program program(world.start({"watch"}));
    const bool ready = hears(world, program);
    program.close_output();
    const auto outcome = program.finish(); // without another event
    EXPECT(ready && outcome.exit == 0, outcome.err);
}

void what_is_hostile_is_escaped() {
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

int main() {
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(events_come_as_they_happen_until_a_signal_ends_it),
        SESSLIMIT_TEST(a_json_object_a_line),
        SESSLIMIT_TEST(nobody_else_is_believed),
        SESSLIMIT_TEST(a_restart_of_the_daemon_is_followed),
        SESSLIMIT_TEST(the_end_of_the_bus_is_its_end),
        SESSLIMIT_TEST(the_end_of_its_reader_is_its_end),
        SESSLIMIT_TEST(what_is_hostile_is_escaped),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
