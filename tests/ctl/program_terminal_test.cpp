// SPDX-License-Identifier: MIT
#include "ctl/output/table.hpp"
#include "tests/ctl/world.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <sstream>

using namespace sesslimit;
using namespace sesslimit::test;

namespace {

SESSLIMIT_TEST(list_fits_terminal_width) {
    auto behaviour = a_host();
    behaviour.sessions[0].origin = std::string(200, 'h');
    const World world(behaviour);
    for (const unsigned short columns : std::initializer_list<unsigned short>{40, 80, 200}) {
        auto start = world.start_on_terminal({"list", "--no-pager"}, columns);
        start.environment = {"NO_COLOR=1"};
        const auto outcome = test::run(start);
        EXPECT(outcome.exit == 0 && contains(outcome.out, "3 sessions listed."), outcome.out);
        std::size_t widest = 0;
        std::istringstream lines(outcome.out);
        for (std::string line; std::getline(lines, line);) {
            widest = std::max(widest, ctl::display_width(line));
        }
        EXPECT(widest <= columns && (widest == columns || columns == 40), std::to_string(widest) + "\n" + outcome.out);
        EXPECT(contains(outcome.out, "FROM") == (columns > 40), outcome.out);
    }
}

SESSLIMIT_TEST(color_only_on_terminals_that_permit_it) {
    auto behaviour = a_host();
    behaviour.sessions[0].state = "ending";
    const World world(behaviour);
    const auto output = [&](const char* variable) {
        auto start = world.start_on_terminal({"list", "--no-pager"});
        start.environment = {variable};
        return test::run(start).out;
    };
    EXPECT(contains(output("NO_COLOR="), "\033[31mending\033[0m"), "an empty NO_COLOR is ignored");
    EXPECT(!contains(output("NO_COLOR=1"), "\033"), "NO_COLOR");
    EXPECT(!contains(output("TERM=dumb"), "\033"), "TERM");
}

SESSLIMIT_TEST(yes_on_terminal_terminates_session) {
    World world;
    Program program(world.start_on_terminal({"end", "12"}));
    EXPECT(program.wait_for("End it? [y/N] "), "asked");
    EXPECT(!world.was_asked("EndSession 12"), "not before the answer");
    program.type("y\n");
    const auto outcome = program.finish();
    EXPECT(outcome.exit == 0 && world.was_asked("EndSession 12"), outcome.out);
    EXPECT(contains(outcome.out, "session 12 of alice: sshd on pts/0, from 192.0.2.7"), outcome.out);
}

SESSLIMIT_TEST(other_answers_terminate_nothing) {
    World world;
    for (const char* answer : {"\n", "n\n", "no\n", "yesterday\n", "x\n", "\004"}) {
        Program program(world.start_on_terminal({"end-user", "alice"}));
        EXPECT(program.wait_for("End it? [y/N] "), answer);
        program.type(answer);
        const auto outcome = program.finish();
        EXPECT(outcome.exit == 1 && contains(outcome.out, "no sessions ended"), answer);
        EXPECT(!world.was_asked("EndUser alice"), answer);
    }
}

SESSLIMIT_TEST(no_ask_option_suppresses_question) {
    World world;
    const auto outcome = test::run(world.start_on_terminal({"end", "12", "--no-ask"}));
    EXPECT(outcome.exit == 0 && world.was_asked("EndSession 12"), outcome.out);
    EXPECT(outcome.out.starts_with("Terminating 1 session:"), outcome.out);
}

SESSLIMIT_TEST(polkit_password_asked_only_on_terminal) {
    auto behaviour = a_host();
    behaviour.wants_password = {"12", "9"};
    World world(behaviour);
    Program program(world.start_on_terminal({"end", "12"}));
    program.wait_for("[y/N] ");
    program.type("yes\n");
    const auto outcome = program.finish();
    // the second call permitted polkit to ask, and the authorization was granted
    EXPECT(outcome.exit == 0, outcome.out);
    const auto denied = world.run({"end", "9"});
    EXPECT(denied.exit == 4 && contains(denied.err, "not allowed: a password is needed"), denied.err);
    const auto quiet = test::run(world.start_on_terminal({"end", "9", "--no-ask"}));
    EXPECT(quiet.exit == 4, quiet.out);
}

SESSLIMIT_TEST(long_output_paged) {
    const World world;
    const auto paged = [&](std::vector<std::string> environment, std::vector<std::string> arguments) {
        auto start = world.start_on_terminal(std::move(arguments));
        start.environment = std::move(environment);
        return test::run(start).out;
    };
    EXPECT(contains(paged({"PAGER=sed s/^/paged:/"}, {"list"}), "paged:12 "), "list");
    EXPECT(contains(paged({"PAGER=sed s/^/paged:/"}, {"explain", "alice"}), "paged:A login of alice"), "explain");
    EXPECT(!contains(paged({"PAGER=sed s/^/paged:/"}, {"status"}), "paged:"), "status");
    EXPECT(!contains(paged({"PAGER=sed s/^/paged:/"}, {"list", "--no-pager"}), "paged:"), "--no-pager");
    EXPECT(contains(paged({"PAGER="}, {"list"}), "3 sessions listed"), "an empty PAGER");
    EXPECT(contains(paged({"PAGER=/nonexistent"}, {"list"}), "3 sessions listed"), "a PAGER that does not exist");
    EXPECT(!contains(paged({"PAGER=sed s/^/paged:/", "SUDO_UID=1000"}, {"list", "--no-legend"}), "paged:"),
           "a sudo user does not select the program");
    const std::string secured = paged({"PAGER=env"}, {"list"});
    EXPECT(contains(secured, "LESS=FRSXMK\n") && contains(secured, "LESSSECURE=1\n"), secured);
}

SESSLIMIT_TEST(early_pager_exit_not_a_failure) {
    auto behaviour = a_host();
    behaviour.sessions.assign(3000, alices_session());
    const World world(behaviour);
    auto start = world.start_on_terminal({"list"});
    start.environment = {"PAGER=true"};
    EXPECT(test::run(start).exit == 0, "exit");
}

} // namespace
