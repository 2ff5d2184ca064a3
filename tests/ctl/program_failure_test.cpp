// SPDX-License-Identifier: MIT
#include "tests/ctl/world.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>

using namespace sesslimit;
using namespace sesslimit::test;

namespace {

constexpr char down[] = "sesslimitctl: sesslimitd is not running; run 'systemctl start sesslimitd'\n";

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

SESSLIMIT_TEST(missing_daemon_reported_in_one_line) {
    const PrivateBus bus;
    for (const auto& command : every_command) {
        const auto outcome = run_on(bus.address(), command);
        EXPECT(outcome.exit == 1, command.empty() ? "no command" : command.front());
        EXPECT_TEXT(outcome.err, down);
        EXPECT_TEXT(outcome.out, "");
    }
}

SESSLIMIT_TEST(missing_bus_reported_like_missing_daemon) {
    for (const auto& command : every_command) {
        const auto outcome = run_on("unix:path=/nonexistent/bus", command);
        EXPECT(outcome.exit == 1, command.empty() ? "no command" : command.front());
        EXPECT_TEXT(outcome.err, down);
    }
}

SESSLIMIT_TEST(silent_daemon_times_out) {
    auto behaviour = a_host();
    behaviour.silent = true;
    const World world(behaviour);
    const auto before = std::chrono::steady_clock::now();
    auto start = world.start({"list"});
    start.environment = {"SYSTEMD_BUS_TIMEOUT=1s"};
    const auto outcome = test::run(start);
    const auto waited = std::chrono::steady_clock::now() - before;
    EXPECT(outcome.exit == 1, "exit");
    EXPECT_TEXT(outcome.err, "sesslimitctl: sesslimitd does not answer; check 'systemctl status sesslimitd'\n");
    EXPECT(waited < std::chrono::seconds(20), "it gave up in time");
}

constexpr char unresponsive[] = "; check 'systemctl status sesslimitd' and, if SELinux is enforcing, "
                                "'ausearch -m USER_AVC -ts recent'\n";

/// The behavior of SELinux if it permits the call but not the reply.
constexpr char drop_replies[] = "<deny send_type=\"method_return\" send_requested_reply=\"true\"/>"
                                "<deny send_type=\"error\" send_requested_reply=\"true\"/>";

SESSLIMIT_TEST(case_B03_every_command_reports_missing_reply) {
    auto hanging = a_host();
    hanging.deaf = true;
    const World replies_dropped(a_host(), drop_replies);
    const World hangs(hanging);
    // On a busy machine, the bus itself must answer within this time.
    constexpr char timeout[] = "SYSTEMD_BUS_TIMEOUT=1s";
    const auto expect_report = [&](const World& world, const std::vector<std::string>& command) {
        auto start = world.start(command);
        start.environment = {timeout};
        const auto outcome = test::run(start);
        EXPECT(outcome.exit == 1, command.empty() ? "no command" : command.front());
        EXPECT_TEXT(outcome.err,
                    std::string("sesslimitctl: sesslimitd did not answer on D-Bus within 1s") + unresponsive);
        EXPECT_TEXT(outcome.out, "");
    };
    for (const auto& command : every_command) {
        expect_report(replies_dropped, command);
    }
    expect_report(hangs, {"end", "12"});
    expect_report(hangs, {"watch"});
}

SESSLIMIT_TEST(case_B03_missing_reply_detected_within_two_seconds) {
    const World world(a_host(), drop_replies);
    const auto before = std::chrono::steady_clock::now();
    const auto outcome = world.run({"end-user", "alice"});
    const auto waited = std::chrono::steady_clock::now() - before;
    EXPECT_TEXT(outcome.err, std::string("sesslimitctl: sesslimitd did not answer on D-Bus within 2s") + unresponsive);
    EXPECT(waited < std::chrono::seconds(20), "less than the timeout of a call");
}

SESSLIMIT_TEST(case_B03_denial_by_bus_distinguished_from_daemon) {
    World world(a_host(), "<deny send_destination=\"org.sesslimit1\"/>");
    for (const auto& command : every_command) {
        const auto outcome = world.run(command);
        EXPECT(outcome.exit == 4, command.empty() ? "no command" : command.front());
        EXPECT(outcome.err.starts_with("sesslimitctl: the system bus denied the call to sesslimitd: Rejected send ") &&
                   outcome.err.ends_with("; if SELinux is enforcing, check 'ausearch -m USER_AVC -ts recent'\n"),
               outcome.err);
    }
    EXPECT(world.service.calls().empty(), "no call arrived");
}

SESSLIMIT_TEST(call_may_take_longer_than_ping) {
    auto behaviour = a_host();
    behaviour.explain_takes = std::chrono::milliseconds(2500); // a slow directory service
    behaviour.explanation.outcome = "would be admitted";
    const World world(behaviour);
    auto start = world.start({"explain", "alice"});
    start.environment = {"SYSTEMD_BUS_TIMEOUT=2s"};
    const auto outcome = test::run(start);
    EXPECT(outcome.exit == 0 && contains(outcome.out, "would be admitted"), outcome.err);
}

SESSLIMIT_TEST(silent_bus_reported) {
    const PrivateBus somewhere; // for its directory
    const std::string path = somewhere.directory() + "/mute";
    const UniqueFd mute(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    const bool listens = bind(mute.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                         listen(mute.get(), 1) == 0;
    EXPECT(listens, path);
    const auto outcome = run_on("unix:path=" + path, {"list"}, {"SYSTEMD_BUS_TIMEOUT=100ms"});
    EXPECT(outcome.exit == 1, "exit");
    EXPECT_TEXT(outcome.err, "sesslimitctl: the system bus does not answer\n");
}

SESSLIMIT_TEST(failures_have_distinct_exit_statuses) {
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
        {{"end", "\xff"}, 1, "not valid UTF-8"},
        {{"bogus"}, 2, "bogus"},
        {{"show"}, 2, "ID is required"},
        {{"end-user"}, 2, "USER is required"},
        {{"explain"}, 2, "USER is required"},
        {{"end-user", "uid:x"}, 2, "\"uid:x\" is not a valid user ID; write uid: followed by a number"},
        {{"end-user", "alice", "uid:4294967295"}, 2, "\"uid:4294967295\" is not a valid user ID"},
        {{"explain", "uid:"}, 2, "\"uid:\" is not a valid user ID"},
        {{"list", "--user", "uid:-1"}, 2, "\"uid:-1\" is not a valid user ID"},
        {{"list", "--json=xml"}, 2, "xml"},
        {{"list", "--bogus"}, 2, "--bogus"},
        {{"check", "/nonexistent", "--policy-dir", "/"}, 2, "excludes"},
    };
    const World world;
    for (const Case& one : cases) {
        const auto outcome = world.run(one.arguments);
        EXPECT(outcome.exit == one.exit, one.arguments.front() + ": " + outcome.err);
        EXPECT(outcome.err.starts_with("sesslimitctl: ") && contains(outcome.err, one.says), outcome.err);
        const bool ends_one = one.arguments == std::vector<std::string>{"end", "12", "20"};
        EXPECT(outcome.out.starts_with(ends_one ? "Terminating 1 session:\n  session 12" : "") &&
                   outcome.out.empty() == !ends_one,
               outcome.out);
    }
}

SESSLIMIT_TEST(rejected_policy_reports_errors) {
    auto behaviour = a_host();
    behaviour.reload_problems = "/etc/sesslimit/policy.toml:3:1: error: unknown key\nmax_sessionz = 3\n^";
    const World world(behaviour);
    const auto outcome = world.run({"reload"});
    EXPECT(outcome.exit == 1, "exit");
    EXPECT_TEXT(outcome.err, "sesslimitctl: policy rejected, previous policy stays in effect:\n"
                             "/etc/sesslimit/policy.toml:3:1: error: unknown key\nmax_sessionz = 3\n^\n");
}

SESSLIMIT_TEST(reply_with_other_signature_rejected) {
    auto behaviour = a_host();
    behaviour.garbled = true;
    const World world(behaviour);
    const auto outcome = world.run({"list"});
    EXPECT(outcome.exit == 1 && contains(outcome.err, "check that sesslimitd and sesslimitctl have the same version"),
           outcome.err);
}

SESSLIMIT_TEST(lost_output_causes_failure) {
    const World world;
    auto start = world.start({"-c", "exec \"$0\" list >/dev/full", SESSLIMITCTL});
    start.command = "/bin/sh";
    const auto outcome = test::run(start);
    EXPECT(outcome.exit == 1 && contains(outcome.err, "failed to write output"), outcome.err);
}

} // namespace
