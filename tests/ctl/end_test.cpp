// SPDX-License-Identifier: MIT
#include "ctl/commands/end.hpp"
#include "tests/ctl/fakes.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <cstdlib>
#include <ctime>

using namespace sesslimit;
using namespace sesslimit::ctl;
using namespace sesslimit::test;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// Returns three sessions: 9 and 12 of alice, 20 of bob. Sessions 12 and 20 were opened with the same key.
std::vector<Session> a_host() {
    std::vector<Session> sessions{alices_session("9"), alices_session("12"), alices_session("20")};
    sessions[1].credential = sessions[2].credential = "SHA256:leaked";
    sessions[2].user = "bob";
    sessions[2].uid = 1001;
    return sessions;
}

SESSLIMIT_TEST(confirmed_end_terminates_session) {
    FakeRemote remote(a_host());
    FakeConsole console;
    console.answer = true;
    EXPECT(end_sessions({"12"}, "", remote, console) == Exit::ok, "exit");
    EXPECT_TEXT(console.questions, "This ends 1 session:\n"
                                   "  session 12 of alice: sshd on pts/0, from 192.0.2.7, since 12:00 (2h)\n"
                                   "End it? [y/N] ");
    EXPECT_TEXT(remote.left(), "9 20");
    EXPECT_TEXT(console.printed + console.complaints,
                "Terminating 1 session:\n  session 12 of alice: sshd on pts/0, from 192.0.2.7, since 12:00 (2h)\n");
}

SESSLIMIT_TEST(declined_end_terminates_nothing) {
    struct Case {
        const char* name;
        Exit (*run)(Remote&, Console&);
    };
    constexpr Case cases[] = {
        {"end", [](Remote& r, Console& c) { return end_sessions({"9", "12"}, "", r, c); }},
        {"end-user", [](Remote& r, Console& c) { return end_users({"alice"}, "", r, c); }},
        {"end-credential", [](Remote& r, Console& c) { return end_credentials({"SHA256:leaked"}, "", r, c); }},
    };
    for (const Case& one : cases) {
        FakeRemote remote(a_host());
        FakeConsole console;
        console.answer = false;
        EXPECT(one.run(remote, console) == Exit::failed, one.name);
        EXPECT_TEXT(remote.left(), "9 12 20");
        EXPECT_TEXT(console.complaints, "no sessions ended\n");
        EXPECT(contains(console.questions, "This ends 2 sessions:\n") &&
                   contains(console.questions, "End them? [y/N] "),
               console.questions);
    }
}

SESSLIMIT_TEST(end_without_terminal_does_not_ask) {
    FakeRemote remote(a_host());
    FakeConsole console;
    EXPECT(end_sessions({"9", "20"}, "", remote, console) == Exit::ok, "exit");
    EXPECT_TEXT(remote.left(), "12");
    EXPECT_TEXT(console.questions, "");
}

SESSLIMIT_TEST(first_failure_determines_exit_and_others_continue) {
    for (const bool somebody : {true, false}) {
        FakeRemote remote(a_host());
        remote.protected_users = {"bob"};
        FakeConsole console;
        if (somebody) {
            console.answer = true;
        }
        EXPECT(end_sessions({"99", "20", "9"}, "", remote, console) == Exit::not_found, "exit");
        EXPECT_TEXT(console.complaints, "no session \"99\"\nnot allowed: only root may\n");
        EXPECT_TEXT(remote.left(), "12 20");
        EXPECT(!contains(console.questions, "99"), console.questions);
    }
}

SESSLIMIT_TEST(end_without_match_does_not_ask) {
    FakeRemote remote(a_host());
    FakeConsole console;
    console.answer = true;
    EXPECT(end_sessions({"98", "99"}, "", remote, console) == Exit::not_found, "exit");
    EXPECT(end_users({"carol"}, "", remote, console) == Exit::ok, "no session is not an error");
    EXPECT_TEXT(console.questions, "");
    EXPECT_TEXT(console.printed, "No session of carol to end.\n");
}

SESSLIMIT_TEST(end_user_terminates_all_sessions_of_user) {
    for (const char* user : {"alice", "uid:1000"}) {
        FakeRemote remote(a_host());
        FakeConsole console;
        console.answer = true;
        EXPECT(end_users({user}, "", remote, console) == Exit::ok, user);
        EXPECT(contains(console.questions, "session 9 of alice") &&
                   contains(console.questions, "session 12 of alice") && !contains(console.questions, "bob"),
               console.questions);
        EXPECT_TEXT(console.printed, "Terminating 2 sessions of " + std::string(user) +
                                         ":\n"
                                         "  session 9 of alice: sshd on pts/0, from 192.0.2.7, since 12:00 (2h)\n"
                                         "  session 12 of alice: sshd on pts/0, from 192.0.2.7, since 12:00 (2h)\n");
        EXPECT_TEXT(remote.left(), "20");
    }
}

SESSLIMIT_TEST(case_A07_end_user_treats_number_as_user_name) {
    struct Case {
        const char* user;
        const char* left;
        const char* complaints;
    };
    constexpr Case cases[] = {
        {"1001", "20", ""},
        {"uid:1001", "9 12", ""},
        {"1000", "9 12 20", "a plain number is treated as a user name; for the user ID write uid:1000\n"},
    };
    for (const Case& one : cases) {
        FakeRemote remote(a_host());
        remote.sessions[0].user = remote.sessions[1].user = "1001"; // bob has that user ID
        FakeConsole console;
        console.answer = true;
        EXPECT(end_users({one.user}, "", remote, console) == Exit::ok, one.user);
        EXPECT_TEXT(remote.left(), one.left);
        EXPECT_TEXT(console.complaints, one.complaints);
        EXPECT(contains(console.questions, "session 20 of bob") == (std::string(one.user) == "uid:1001"),
               console.questions);
    }
}

SESSLIMIT_TEST(protected_user_does_not_block_others) {
    FakeRemote remote(a_host());
    remote.protected_users = {"bob"};
    FakeConsole console;
    EXPECT(end_users({"bob", "alice"}, "", remote, console) == Exit::not_allowed, "exit");
    EXPECT_TEXT(remote.left(), "20");
}

SESSLIMIT_TEST(end_credential_terminates_sessions_of_all_users) {
    FakeRemote remote(a_host());
    FakeConsole console;
    console.answer = true;
    EXPECT(end_credentials({"SHA256:leaked"}, "", remote, console) == Exit::ok, "exit");
    EXPECT(contains(console.questions, "session 12 of alice") && contains(console.questions, "session 20 of bob") &&
               contains(console.questions, "This command ends all sessions opened with SHA256:leaked"),
           console.questions);
    EXPECT_TEXT(console.printed, "Terminating 2 sessions opened with SHA256:leaked:\n"
                                 "  session 12 of alice: sshd on pts/0, from 192.0.2.7, since 12:00 (2h)\n"
                                 "  session 20 of bob: sshd on pts/0, from 192.0.2.7, since 12:00 (2h)\n");
    EXPECT_TEXT(remote.left(), "9");
}

SESSLIMIT_TEST(end_names_sessions_that_it_cannot_describe) {
    FakeRemote remote(a_host());
    remote.sessions.resize(1);
    remote.sessions[0].state = "left-behind";
    FakeConsole console;
    EXPECT(end_users({"alice"}, "Maintenance.", remote, console) == Exit::ok, "exit");
    EXPECT_TEXT(console.printed,
                "Terminating 1 session of alice:\n"
                "  session 9 of alice: sshd on pts/0, from 192.0.2.7, left behind, since 12:00 (2h)\n");
    EXPECT_TEXT(remote.message, "Maintenance.");
}

SESSLIMIT_TEST(end_credential_asks_without_visible_keys) {
    FakeRemote remote(a_host());
    for (Session& session : remote.sessions) {
        session.credential.reset();
    }
    FakeConsole console;
    console.answer = false;
    EXPECT(end_credentials({"SHA256:leaked"}, "", remote, console) == Exit::failed, "exit");
    EXPECT_TEXT(console.questions, "This command ends all sessions opened with SHA256:leaked, of all users.\n"
                                   "End them? [y/N] ");
}

SESSLIMIT_TEST(missing_daemon_reported_once) {
    FakeRemote remote;
    remote.failure = Failure{Failure::Kind::not_running, "x"};
    FakeConsole console;
    console.answer = true;
    EXPECT(end_users({"alice"}, "", remote, console) == Exit::failed, "exit");
    EXPECT_TEXT(console.complaints, "sesslimitd is not running; run 'systemctl start sesslimitd'\n");
    EXPECT_TEXT(console.questions, "");
}

SESSLIMIT_TEST(argument_escaped_in_output) {
    FakeRemote remote(a_host());
    FakeConsole console;
    EXPECT(end_users({"\033[2Jcarol"}, "", remote, console) == Exit::ok, "exit");
    EXPECT_TEXT(console.printed, "No session of \\x1b[2Jcarol to end.\n");
}

} // namespace
