// SPDX-License-Identifier: MIT
#include "ctl/commands/commands.hpp"
#include "daemon/policy/load.hpp"
#include "tests/ctl/fakes.hpp"
#include "tests/ctl/schema.hpp"
#include "tests/ctl/temporary_directory.hpp"
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

std::vector<Session> two_users() {
    Session bob = alices_session("9");
    bob.user = "bob";
    bob.uid = 1001;
    return {alices_session("12"), bob};
}

SESSLIMIT_TEST(list_paged_and_sorted) {
    FakeRemote remote(two_users());
    FakeConsole console;
    EXPECT(list({}, remote, console) == Exit::ok, "exit");
    EXPECT(console.printed.empty(), console.printed);
    EXPECT(console.paged.find("\n9 ") < console.paged.find("\n12 "), console.paged);
}

SESSLIMIT_TEST(list_of_one_user_filtered) {
    for (const char* user : {"bob", "uid:1001"}) {
        FakeRemote remote(two_users());
        FakeConsole console;
        console.look.legend = false;
        EXPECT(list(user, remote, console) == Exit::ok, user);
        EXPECT(console.paged.starts_with("9 bob ") && !contains(console.paged, "alice"), console.paged);
    }
    FakeRemote remote(two_users());
    FakeConsole console;
    list("carol", remote, console);
    EXPECT_TEXT(console.paged, "No session listed.\n");
}

SESSLIMIT_TEST(case_A07_list_treats_number_as_user_name) {
    std::vector<Session> sessions = two_users();
    sessions[0].user = "1001";
    const auto listed = [&](const char* user) {
        FakeRemote remote(sessions);
        FakeConsole console;
        console.look.legend = false;
        list(user, remote, console);
        return console.paged.substr(0, console.paged.find(' ')) + console.complaints;
    };
    EXPECT_TEXT(listed("1001"), "12");
    EXPECT_TEXT(listed("uid:1001"), "9");
    EXPECT_TEXT(listed("1000"), "a plain number is treated as a user name; for the user ID write uid:1000\n");
}

SESSLIMIT_TEST(json_replaces_text_output) {
    FakeRemote remote(two_users());
    remote.state = {"0.2.0", "files", noon, 2, true};
    remote.explanation.outcome = "would be admitted";
    FakeConsole console;
    console.look.json = Json::compact;
    list({}, remote, console);
    EXPECT_TEXT(document_problem("sessions.json", console.paged), "");
    show({"12", "9"}, remote, console);
    EXPECT_TEXT(document_problem("sessions.json", console.printed), "");
    console.printed.clear();
    FakeHost host;
    status(remote, host, console);
    EXPECT_TEXT(document_problem("status.json", console.printed), "");
    console.paged.clear();
    explain({.user = "alice", .groups = {}, .service = {}, .origin = {}, .method = {}, .credential = {}, .seat = {}},
            remote, console);
    EXPECT_TEXT(document_problem("explain.json", console.paged), "");
}

SESSLIMIT_TEST(show_continues_after_unknown_id) {
    FakeRemote remote(two_users());
    FakeConsole console;
    EXPECT(show({"12", "99", "9"}, remote, console) == Exit::not_found, "exit");
    EXPECT_TEXT(console.complaints, "no session \"99\"\n");
    EXPECT(contains(console.printed, "Id: 12\n") && contains(console.printed, "\n\n") &&
               contains(console.printed, "Id: 9\n"),
           console.printed);
}

Exit watch_of(Remote& remote, Console& console) {
    FakeHost host;
    return watch(remote, host, console);
}

Exit status_of(Remote& remote, Console& console) {
    FakeHost host;
    return status(remote, host, console);
}

SESSLIMIT_TEST(case_B03_status_reports_selinux_when_daemon_unreachable) {
    const auto complaints = [](Failure::Kind kind, const char* label) {
        FakeRemote remote;
        remote.failure = Failure{kind, "2s"};
        remote.running.label = label;
        FakeHost host;
        host.mode = Selinux::enforcing;
        FakeConsole console;
        EXPECT(status(remote, host, console) != Exit::ok, label);
        EXPECT_TEXT(console.printed, "");
        return console.complaints;
    };
    for (const auto kind : {Failure::Kind::unresponsive, Failure::Kind::bus_denied}) {
        EXPECT(contains(complaints(kind, "u:r:initrc_t:s0"), "\nSELinux is enforcing and sesslimitd runs in the domain "
                                                             "initrc_t instead of sesslimitd_t"),
               "SELinux is the cause");
        EXPECT(!contains(complaints(kind, "u:r:sesslimitd_t:s0"), "runs in the domain"), "SELinux is not the cause");
    }
    EXPECT(!contains(complaints(Failure::Kind::not_running, "u:r:initrc_t:s0"), "SELinux"), "the daemon does not run");
}

SESSLIMIT_TEST(every_command_reports_missing_daemon) {
    FakeRemote remote;
    remote.failure = Failure{Failure::Kind::not_running, "x"};
    const ExplainQuery question{
        .user = "alice", .groups = {}, .service = {}, .origin = {}, .method = {}, .credential = {}, .seat = {}};
    struct Case {
        const char* name;
        Exit (*run)(Remote&, Console&, const ExplainQuery&);
    };
    constexpr Case cases[] = {
        {"list", [](Remote& r, Console& c, const ExplainQuery&) { return list({}, r, c); }},
        {"show", [](Remote& r, Console& c, const ExplainQuery&) { return show({"12"}, r, c); }},
        {"explain", [](Remote& r, Console& c, const ExplainQuery& q) { return explain(q, r, c); }},
        {"reload", [](Remote& r, Console& c, const ExplainQuery&) { return reload(r, c); }},
        {"status", [](Remote& r, Console& c, const ExplainQuery&) { return status_of(r, c); }},
        {"watch", [](Remote& r, Console& c, const ExplainQuery&) { return watch_of(r, c); }},
    };
    for (const Case& one : cases) {
        FakeConsole console;
        EXPECT(one.run(remote, console, question) == Exit::failed, one.name);
        EXPECT_TEXT(console.complaints, "sesslimitd is not running; run 'systemctl start sesslimitd'\n");
        EXPECT(console.printed.empty() && console.paged.empty(), one.name);
    }
}

SESSLIMIT_TEST(explain_passes_all_facts_to_daemon) {
    FakeRemote remote;
    FakeConsole console;
    const ExplainQuery question{.user = "alice",
                                .groups = {"a", "b"},
                                .service = "login",
                                .origin = "h",
                                .method = "password",
                                .credential = "SHA256:x",
                                .seat = "seat0"};
    EXPECT(explain(question, remote, console) == Exit::ok, "exit");
    const ExplainQuery& asked = remote.asked_about.value();
    EXPECT(asked.user == "alice" && asked.groups == question.groups && asked.seat == "seat0", "same question");
}

SESSLIMIT_TEST(successful_reload_prints_nothing) {
    FakeRemote remote;
    FakeConsole console;
    EXPECT(reload(remote, console) == Exit::ok && remote.reloads == 1, "reloaded");
    EXPECT_TEXT(console.printed + console.complaints, "");
    remote.failure = Failure{Failure::Kind::policy_rejected, "a.toml:1: error: x"};
    EXPECT(reload(remote, console) == Exit::failed, "exit");
    EXPECT(contains(console.complaints, "a.toml:1: error: x"), console.complaints);
}

SESSLIMIT_TEST(watch_prints_one_line_per_event) {
    FakeRemote remote;
    remote.events = {{"admitted", noon, alices_session(), "", {}}, {"policy-changed", noon, {}, "kept", {}}};
    FakeConsole words;
    EXPECT(watch_of(remote, words) == Exit::ok, "exit");
    EXPECT(contains(words.printed, "admitted     12 alice") && contains(words.printed, "policy-changed kept\n"),
           words.printed);
    FakeConsole console;
    console.look.json = Json::pretty; // one line per event even then
    watch_of(remote, console);
    const std::size_t end = console.printed.find('\n');
    EXPECT_TEXT(document_problem("watch.json", console.printed.substr(0, end)), "");
    EXPECT_TEXT(document_problem("watch.json", console.printed.substr(end + 1)), "");
}

SESSLIMIT_TEST(watch_names_idle_stop_of_logind) {
    FakeRemote remote;
    remote.events = {{"released", noon, alices_session(), "", {}}, {"released", noon, alices_session("30"), "", {}}};
    FakeHost host;
    host.stopped_idle = "30";
    FakeConsole console;
    watch(remote, host, console);
    const std::size_t end = console.printed.find('\n');
    EXPECT(!contains(console.printed.substr(0, end), "logind"), console.printed);
    EXPECT(console.printed.ends_with(": terminated by logind as idle (StopIdleSessionSec)\n"), console.printed);
}

SESSLIMIT_TEST(completion_words_listed) {
    FakeRemote remote(two_users());
    remote.sessions[0].credential = "SHA256:abc";
    remote.sessions.push_back(alices_session("30"));
    const auto lines = [&](const char* kind) {
        FakeConsole console;
        complete(kind, remote, console);
        return console.printed;
    };
    EXPECT_TEXT(lines("sessions"), "9\tbob, sshd on pts/0\n12\talice, sshd on pts/0\n30\talice, sshd on pts/0\n");
    EXPECT_TEXT(lines("users"), "alice\nbob\n");
    EXPECT_TEXT(lines("credentials"), "SHA256:abc\n");
    EXPECT_TEXT(lines("bogus"), "");
    remote.sessions[0].user = "CORP\\alice";
    remote.sessions[1].user.clear();
    remote.sessions.pop_back();
    EXPECT_TEXT(lines("users"), "uid:1000\nuid:1001\n"); // a shell would interpret the backslash
    remote.failure = Failure{Failure::Kind::not_running, "x"};
    FakeConsole console;
    complete("sessions", remote, console);
    EXPECT_TEXT(console.printed + console.complaints, "");
}

/// The digest covers the names, tiers and texts of all files.
SESSLIMIT_TEST(status_compares_policy_files_with_those_in_effect) {
    TemporaryDirectory directory;
    directory.write("policy.toml", "version = 1\n");
    FakeRemote remote;
    remote.state.policy_state = "files";
    remote.state.policy_directory = directory.path();
    remote.state.policy_digest = policy::digest(policy::read_texts(directory.path()).texts);
    const auto changed = [&] {
        FakeHost host;
        FakeConsole console;
        console.look.json = Json::compact;
        (void)status(remote, host, console);
        const std::size_t at = console.printed.find("\"policy_files_changed\":") + 23;
        return console.printed.substr(at, console.printed.find(',', at) - at);
    };
    EXPECT_TEXT(changed(), "false");
    directory.write("policy.toml", "version = 1\n# a comment\n");
    EXPECT_TEXT(changed(), "true");
    directory.write("policy.toml", "version = 1\n");
    EXPECT_TEXT(changed(), "false");
    directory.write("policy.d/90-set.toml", "");
    EXPECT_TEXT(changed(), "true");
    std::filesystem::rename(directory.path() / "policy.d", directory.path() / "managed.d");
    EXPECT_TEXT(changed(), "true");
    std::filesystem::remove_all(directory.path() / "managed.d");
    std::filesystem::create_directories(directory.path() / "policy.d/unreadable.toml");
    EXPECT_TEXT(changed(), "null");
    std::filesystem::remove_all(directory.path() / "policy.d");
    remote.state.policy_digest.clear();
    EXPECT_TEXT(changed(), "null");
}

} // namespace
