// SPDX-License-Identifier: MIT
#include "tests/ctl/world.hpp"
#include "tests/unit/cmocka.hpp"

#include <chrono>

using namespace sesslimit;
using namespace sesslimit::test;

namespace {

constexpr char down[] = "sesslimitctl: sesslimitd is not running; start it with: systemctl start sesslimitd\n";

const std::vector<std::vector<std::string>> every_command{{},
                                                          {"list"},
                                                          {"show", "12"},
                                                          {"end", "12"},
                                                          {"end-user", "alice"},
                                                          {"end-credential", "SHA256:x"},
                                                          {"explain", "alice"},
                                                          {"reload"},
                                                          {"status"},
                                                          {"watch"},
                                                          {"list", "--json=short"}};

Program::Outcome run_on(const std::string& bus, const std::vector<std::string>& arguments,
                        std::vector<std::string> environment = {}) {
    return test::run(
        {.arguments = arguments, .bus = bus, .environment = std::move(environment), .columns = {}, .command = {}});
}

void without_a_daemon_one_line_says_so() {
    const PrivateBus bus;
    for (const auto& command : every_command) {
        const auto outcome = run_on(bus.address(), command);
        EXPECT(outcome.exit == 1, command.empty() ? "no command" : command.front());
        EXPECT_TEXT(outcome.err, down);
        EXPECT_TEXT(outcome.out, "");
    }
}

void without_a_bus_the_same() {
    for (const auto& command : every_command) {
        const auto outcome = run_on("unix:path=/nonexistent/bus", command);
        EXPECT(outcome.exit == 1, command.empty() ? "no command" : command.front());
        EXPECT_TEXT(outcome.err, down);
    }
}

void a_daemon_that_does_not_answer_is_not_waited_for() {
    auto behaviour = a_host();
    behaviour.silent = true;
    const World world(behaviour);
    const auto before = std::chrono::steady_clock::now();
    auto start = world.start({"list"});
    start.environment = {"SYSTEMD_BUS_TIMEOUT=300ms"};
    const auto outcome = test::run(start);
    const auto waited = std::chrono::steady_clock::now() - before;
    EXPECT(outcome.exit == 1, "exit");
    EXPECT_TEXT(outcome.err, "sesslimitctl: sesslimitd does not answer; look at: systemctl status sesslimitd\n");
    EXPECT(waited < std::chrono::seconds(8), "it gave up in its time");
}

void failures_have_exits_of_their_own() {
    struct Case {
        std::vector<std::string> arguments;
        int exit;
        const char* says;
    };
    const Case cases[] = {
        {{"show", "99"}, 3, "no session 99"},
        {{"end", "99"}, 3, "no session 99"},
        {{"end", "20"}, 4, "not allowed: session 20 is not yours"},
        {{"end", "12", "20"}, 4, "not allowed: session 20 is not yours"},
        {{"end-user", "root"}, 4, "not allowed: they are not yours"},
        {{"end-user", "nobody-such"}, 3, "no user nobody-such"},
        {{"explain", "nobody-such"}, 3, "no user nobody-such"},
        {{"end", "\xff"}, 1, "must be UTF-8"},
        {{"bogus"}, 2, "bogus"},
        {{"show"}, 2, "ID is required"},
        {{"end-user"}, 2, "USER is required"},
        {{"explain"}, 2, "USER is required"},
        {{"end-user", "uid:x"}, 2, "\"uid:x\" is not a user ID; write uid: and a number"},
        {{"end-user", "alice", "uid:4294967295"}, 2, "\"uid:4294967295\" is not a user ID"},
        {{"explain", "uid:"}, 2, "\"uid:\" is not a user ID"},
        {{"list", "--user", "uid:-1"}, 2, "\"uid:-1\" is not a user ID"},
        {{"list", "--json=xml"}, 2, "xml"},
        {{"list", "--bogus"}, 2, "--bogus"},
        {{"check", "/nonexistent", "--policy-dir", "/"}, 2, "excludes"},
    };
    const World world;
    for (const Case& one : cases) {
        const auto outcome = world.run(one.arguments);
        EXPECT(outcome.exit == one.exit, one.arguments.front() + ": " + outcome.err);
        EXPECT(outcome.err.starts_with("sesslimitctl: ") && contains(outcome.err, one.says), outcome.err);
        EXPECT_TEXT(outcome.out, "");
    }
}

void a_policy_that_is_not_taken_says_why() {
    auto behaviour = a_host();
    behaviour.reload_problems = "/etc/sesslimit/policy.toml:3:1: error: unknown key\nmax_sessionz = 3\n^";
    const World world(behaviour);
    const auto outcome = world.run({"reload"});
    EXPECT(outcome.exit == 1, "exit");
    EXPECT_TEXT(outcome.err, "sesslimitctl: the policy was not taken, the one before holds on:\n"
                             "/etc/sesslimit/policy.toml:3:1: error: unknown key\nmax_sessionz = 3\n^\n");
}

void an_answer_of_another_shape_is_refused() {
    auto behaviour = a_host();
    behaviour.garbled = true;
    const World world(behaviour);
    const auto outcome = world.run({"list"});
    EXPECT(outcome.exit == 1 && contains(outcome.err, "are both of the same version?"), outcome.err);
}

void output_that_gets_lost_is_a_failure() {
    const World world;
    auto start = world.start({"-c", "exec \"$0\" list >/dev/full", SESSLIMITCTL});
    start.command = "/bin/sh";
    const auto outcome = test::run(start);
    EXPECT(outcome.exit == 1 && contains(outcome.err, "could not be written"), outcome.err);
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(without_a_daemon_one_line_says_so),
        SESSLIMIT_TEST(without_a_bus_the_same),
        SESSLIMIT_TEST(a_daemon_that_does_not_answer_is_not_waited_for),
        SESSLIMIT_TEST(failures_have_exits_of_their_own),
        SESSLIMIT_TEST(a_policy_that_is_not_taken_says_why),
        SESSLIMIT_TEST(an_answer_of_another_shape_is_refused),
        SESSLIMIT_TEST(output_that_gets_lost_is_a_failure),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
