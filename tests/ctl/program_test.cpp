// SPDX-License-Identifier: MIT
#include "tests/ctl/schema.hpp"
#include "tests/ctl/temporary_directory.hpp"
#include "tests/ctl/world.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <unistd.h>

#include <sstream>

using namespace sesslimit;
using namespace sesslimit::test;

namespace {

SESSLIMIT_TEST(list_through_pipe_not_cut) {
    auto behaviour = a_host();
    behaviour.sessions[0].origin = std::string(200, 'h');
    const World world(behaviour);
    const auto outcome = world.run({"list"});
    EXPECT(outcome.exit == 0, outcome.err);
    EXPECT(contains(outcome.out, "SESSION USER") && contains(outcome.out, std::string(200, 'h')), outcome.out);
    EXPECT(contains(outcome.out, "\n\n3 sessions listed.\n"), outcome.out);
    EXPECT(!contains(outcome.out, "\033"), outcome.out);
    EXPECT_TEXT(world.run({}).out, outcome.out); // without a command the default is list
    const auto bare = world.run({"list", "--no-legend", "--user", "bob"});
    EXPECT(bare.out.starts_with("9       bob") || bare.out.starts_with("9 bob "), bare.out);
}

SESSLIMIT_TEST(show_prints_all_properties) {
    const World world;
    const auto outcome = world.run({"show", "12", "9"});
    EXPECT(outcome.exit == 0, outcome.err);
    EXPECT(contains(outcome.out, "Id: 12\n") && contains(outcome.out, "User: bob\n") &&
               contains(outcome.out, "Terminals: pts/0\n") && contains(outcome.out, "Leader: 4711\n") &&
               contains(outcome.out, "MaxDuration: 8h\n") && contains(outcome.out, "Credential: SHA256:leaked\n") &&
               contains(outcome.out, "user@1001.service"),
           outcome.out);
}

SESSLIMIT_TEST(show_prints_processes_affected_by_end) {
    auto behaviour = a_host();
    for (ctl::Session& session : behaviour.sessions) {
        session.reach = ctl::TerminationPreview{.processes = 12,
                                                .commands = {"bash", "\033[2J", "tmux: server"},
                                                .kept = {"tmux: server"},
                                                .keep = {"tmux"},
                                                .other_units = {"run-r1.service"},
                                                .lingers = true};
    }
    const World world(behaviour);
    const auto outcome = world.run({"show", "12"});
    EXPECT(contains(outcome.out, "Ended: 12 processes: bash, \\x1b[2J, tmux: server\n") &&
               contains(outcome.out, "Kept: tmux: server, if a limit terminates the session\n") &&
               contains(outcome.out, "NotEnded: run-r1.service\n") && contains(outcome.out, "Lingers: yes\n"),
           outcome.out);
    EXPECT_TEXT(document_problem("sessions.json", world.run({"show", "12", "--json=short"}).out), "");
}

SESSLIMIT_TEST(json_output_matches_schema) {
    auto behaviour = a_host();
    behaviour.explanation = {true, "", {{"mode", "enforce", "", "", "", 0}}, {{"host", "r", "/p", "x", 3, true}}, "in"};
    const World world(behaviour);
    struct Case {
        std::vector<std::string> arguments;
        const char* schema;
    };
    const Case cases[] = {
        {{"list", "--json=short"}, "sessions.json"},       {{"--json=pretty", "list"}, "sessions.json"},
        {{"show", "12", "--json=short"}, "sessions.json"}, {{"explain", "alice", "--json", "pretty"}, "explain.json"},
        {{"status", "--json=short"}, "status.json"},
    };
    for (const Case& one : cases) {
        const auto outcome = world.run(one.arguments);
        EXPECT(outcome.exit == 0, outcome.err);
        EXPECT_TEXT(document_problem(one.schema, outcome.out), "");
    }
}

SESSLIMIT_TEST(explain_sends_all_facts_of_login) {
    World world;
    const auto outcome = world.run({"explain", "--group", "a", "--group", "b", "--service", "login", "--origin", "::1",
                                    "--method", "password", "--credential", "SHA256:x", "--seat", "seat0", "alice"});
    EXPECT(outcome.exit == 0, outcome.err);
    EXPECT(world.was_asked("Explain User=alice Service=login Origin=::1 Method=password Credential=SHA256:x Seat=seat0 "
                           "Groups=a,b,"),
           world.service.calls().back());
    world.run({"explain", "bob"});
    EXPECT(world.was_asked("Explain User=bob"), world.service.calls().back());
}

SESSLIMIT_TEST(explanation_printed) {
    auto behaviour = a_host();
    behaviour.explanation = {.counts = true,
                             .why = "one per connection",
                             .settings = {{"max_sessions", "3", "managed", "x", "/m.toml", 4}},
                             .rules = {{"host", "loser", "/h.toml", "max_sessions = 9", 7, false}},
                             .outcome = "would be admitted: 2 of 3 sessions are open"};
    const World world(behaviour);
    const auto outcome = world.run({"explain", "alice"});
    EXPECT(contains(outcome.out, "managed rule \"x\" /m.toml:4\n") &&
               contains(outcome.out, "host rule \"loser\" at /h.toml:7: max_sessions = 9\n") &&
               contains(outcome.out, "Counts: yes, one per connection\n") &&
               contains(outcome.out, "Now: would be admitted: 2 of 3 sessions are open\n"),
           outcome.out);
}

SESSLIMIT_TEST(end_without_terminal_does_not_ask) {
    World world;
    const auto session = world.run({"end", "12", "--message", "Bye, now."});
    EXPECT(session.exit == 0 && world.was_asked("EndSession 12 message=Bye, now."), session.err);
    EXPECT(session.out.starts_with("Terminating 1 session:\n  session 12 of alice: sshd"), session.out);
    const auto user = world.run({"end-user", "bob"});
    EXPECT(user.out.starts_with("Terminating 1 session of bob:\n  session "), user.out);
    const auto key = world.run({"end-credential", "SHA256:leaked"});
    EXPECT_TEXT(key.out, "No session opened with SHA256:leaked to end.\n"); // session 12 had this key
    EXPECT(world.was_asked("EndCredential SHA256:leaked") && key.exit == 0, key.err);
}

SESSLIMIT_TEST(status_and_reload_succeed) {
    World world;
    const auto status = world.run({"status"});
    EXPECT(status.exit == 0 && contains(status.out, "Version: 9.9\n") && contains(status.out, "Sessions: 2\n"),
           status.out);
    const auto reload = world.run({"reload"});
    EXPECT(reload.exit == 0 && world.was_asked("Reload"), reload.err);
    EXPECT_TEXT(reload.out + reload.err, "");
}

SESSLIMIT_TEST(output_escapes_control_characters) {
    const std::string hostile = "\033[2J\033]0;x\007\xc2\x9b"
                                "31m\xe2\x80\xae\nroot";
    auto behaviour = a_host();
    behaviour.sessions.resize(1);
    ctl::Session& session = behaviour.sessions[0];
    for (std::string* text : {&session.user, &session.service, &session.origin, &session.seat, &session.scope,
                              &session.mode, &session.reason, &session.terminals[0]}) {
        *text = hostile;
    }
    session.credential = hostile;
    behaviour.explanation = {true,
                             hostile,
                             {{hostile, hostile, hostile, hostile, hostile, 1}},
                             {{hostile, hostile, hostile, hostile, 1, false}},
                             hostile};
    behaviour.status.version = behaviour.status.policy_state = hostile;
    behaviour.reload_problems = hostile;
    const World world(behaviour);
    const std::vector<std::vector<std::string>> commands{
        {"list"},   {"list", "--json=short"},   {"show", "12"},   {"show", "12", "--json=pretty"}, {"explain", "alice"},
        {"status"}, {"status", "--json=short"}, {"end", hostile}, {"end-user", hostile},           {"reload"}};
    for (const auto& command : commands) {
        const auto outcome = world.run(command);
        const std::string all = outcome.out + outcome.err;
        for (const char* harm : {"\033", "\007", "\xc2\x9b", "\xe2\x80\xae", "\nroot\n"}) {
            EXPECT(!contains(all, harm) || command.front() == "reload", command.front() + ": " + all);
        }
        EXPECT(!contains(all, "\033") && !contains(all, "\xc2\x9b") && !all.empty(), command.front() + ": " + all);
    }
}

SESSLIMIT_TEST(settings_are_changed_and_shown) {
    const TemporaryDirectory directory;
    World world;
    const auto run = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), {"--policy-dir", directory.path()});
        return world.run(std::move(arguments));
    };
    const auto set = run({"set", "max_duration=8h", "--rule", "r", "--match", "user=root", "--match", "service=sshd"});
    EXPECT(set.exit == 0 && contains(set.out, "max_duration = \"8h\" in rule \"r\": in effect\n"), set.out + set.err);
    EXPECT(!world.was_asked("Reload"), "the daemon reads another directory");
    EXPECT_TEXT(run({"get", "--rule", "r"}).out, "match.user=\"root\"\nmatch.service=\"sshd\"\nmax_duration=\"8h\"\n");
    EXPECT(contains(run({"rules"}).out, "rule \"r\" (host, "), "rules");
    EXPECT(run({"set", "quiet=true", "--dry-run"}).exit == 0 && run({"get", "quiet"}).exit == 1, "dry run");
    EXPECT_TEXT(document_problem("defaults.json", run({"defaults", "--json=short"}).out), "");
    EXPECT_TEXT(document_problem("set.json", run({"unset", "--rule", "r", "--json=short"}).out), "");
    EXPECT_TEXT(run({"rules"}).out, "");
    EXPECT(run({"set", "quiet=true", "--match", "user=root"}).exit == 2, "--match without --rule");
    EXPECT(run({"set"}).exit == 2, "no key");
    EXPECT(run({"set", "quiet=maybe"}).exit == 1, "invalid value");
}

SESSLIMIT_TEST(edit_runs_the_editor_of_the_user) {
    const TemporaryDirectory directory;
    World world;
    const auto edit = [&](const std::string& editor, std::vector<std::string> more = {}) {
        auto start = world.start({"edit", "--policy-dir", directory.path()});
        start.environment = std::move(more);
        start.environment.push_back("EDITOR=" + editor);
        return test::run(start);
    };
    const auto added = edit("printf '[defaults]\nquiet = true\n' | tee -a >/dev/null");
    EXPECT(added.exit == 0 && contains(added.out, "quiet = true in [defaults]: in effect\n"), added.out + added.err);
    const std::string text = directory.read("policy.d/90-set.toml");
    EXPECT(edit("true").out == "The file was not changed.\n", "true");
    EXPECT(edit("false").exit == 1 && edit("rm").exit == 1, "failures");
    const auto link = edit("ln -sf /etc/hostname");
    EXPECT(link.exit == 1 && contains(link.err, "failed to open /tmp/sesslimit-"), link.err);
    const auto broken = edit("sed -i s/true/3/");
    EXPECT(broken.exit == 1 && contains(broken.err, "90-set.toml:4:9: error: quiet: expected true or false"),
           broken.err);
    EXPECT_TEXT(directory.read("policy.d/90-set.toml"), text);
    if (geteuid() == 0) {
        const auto by_user = edit("sh -c 'echo \"# $(id -u)\" >>\"$0\"'", {"SUDO_UID=65534"});
        EXPECT(by_user.exit == 0, by_user.err);
        EXPECT_TEXT(directory.read("policy.d/90-set.toml"), text + "# 65534\n");
    }
}

SESSLIMIT_TEST(check_works_without_daemon) {
    const auto start = [](std::vector<std::string> arguments) {
        return Program::Start{.arguments = std::move(arguments),
                              .bus = "unix:path=/nonexistent",
                              .environment = {},
                              .columns = {},
                              .command = {}};
    };
    const auto good = test::run(start({"check", SESSLIMIT_SOURCE_DIR "/etc/policy.toml"}));
    EXPECT(good.exit == 0, good.out + good.err);
    const auto bad = test::run(start({"check", "--json=short", SESSLIMIT_SOURCE_DIR "/README.md"}));
    EXPECT(bad.exit == 1, bad.out);
    EXPECT_TEXT(document_problem("check.json", bad.out), "");
}

SESSLIMIT_TEST(help_lists_every_command) {
    const auto outcome =
        test::run({.arguments = {"--help"}, .bus = "", .environment = {}, .columns = {}, .command = {}});
    EXPECT(outcome.exit == 0, outcome.err);
    for (const char* command : {"list", "show ID...", "end ID...", "end-user USER...", "end-credential FINGERPRINT...",
                                "explain USER", "check [FILE...]", "set [SETTING...]", "unset [KEY...]", "get [KEY...]",
                                "rules", "defaults", "reload", "status", "watch"}) {
        EXPECT(contains(outcome.out, std::string("\n  ") + command + " "), outcome.out);
    }
    EXPECT(!contains(outcome.out, "complete"), "hidden");
    std::istringstream lines(outcome.out);
    for (std::string line; std::getline(lines, line);) {
        EXPECT(line.size() <= 120, line);
    }
}

} // namespace
