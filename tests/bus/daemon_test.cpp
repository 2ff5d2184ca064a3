// SPDX-License-Identifier: MIT
#include "tests/bus/daemon_bench.hpp"
#include "tests/unit/support/cmocka.hpp"

namespace {

using namespace sesslimit;
using namespace sesslimit::test;

/// Lookups, policy reloads and the loop's own work at the same time. ThreadSanitizer then checks the worker's part.
SESSLIMIT_TEST(worker_and_loop_run_concurrently) {
    constexpr int rounds = 16; // the number of lookups that one user may have pending
    Bench bench;
    EXPECT(bench.is_up(), "it has its bus name");
    Bench::Answers answers;
    for (int round = 0; round < rounds; ++round) {
        bench.ask(answers, "Explain", "a{sv}", 1, "User", "s", "root");
        bench.ask(answers, "Reload", nullptr);
        bench.ask(answers, "ListSessions", nullptr);
        (void)kill(bench.daemon, SIGHUP);
    }
    const bool all = run_until(bench.loop, [&] { return answers.good + answers.bad == 3 * rounds; });
    const int status = bench.end();
    EXPECT(all && answers.bad == 0, std::to_string(answers.good) + " and " + std::to_string(answers.bad) + " errors");
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0, std::to_string(status));
}

/// The fourth login exceeds the limit until one of the three is gone.
SESSLIMIT_TEST(fourth_login_denied_until_slot_is_free) {
    Bench bench;
    EXPECT(bench.is_up(), "it has its bus name");
    std::vector<std::unique_ptr<Asking>> logins;
    for (int number = 0; number < 3; ++number) {
        logins.push_back(std::make_unique<Asking>(bench.socket()));
        EXPECT_TEXT(logins.back()->answer(), "1");
    }
    const std::string denied = Asking(bench.socket()).answer();
    EXPECT(denied.starts_with("3 ") && denied.find("alice") != std::string::npos, denied);
    logins.front()->let_go();
    const bool again = run_until(bench.loop, [&] { return Asking(bench.socket()).answer() == "1"; });
    EXPECT(again, "a slot is free again");
    const int status = bench.end(); // two of them are still open
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0, std::to_string(status));
}

SESSLIMIT_TEST(errors_of_rejected_files_are_a_property) {
    Bench bench;
    std::string problems; // the last value in a signal
    (void)sd_bus_match_signal(
        bench.asker.get(), nullptr, nullptr, "/org/sesslimit1", "org.freedesktop.DBus.Properties", "PropertiesChanged",
        [](sd_bus_message* m, void* data, sd_bus_error*) {
            const std::string text = text_of(m);
            *static_cast<std::string*>(data) = text.substr(text.find("\"PolicyProblems\", ") + 18);
            return 0;
        },
        &problems);
    EXPECT(bench.is_up(), "it has its bus name");
    const std::string file = (bench.directory.path / "etc/policy.toml").string();
    const auto reload_with = [&](const std::string& text, const std::string& expected) {
        std::ofstream(file) << "version = 1\n" << text;
        Bench::Answers answers;
        bench.ask(answers, "Reload", nullptr);
        (void)run_until(bench.loop, [&] { return answers.good + answers.bad == 1 && problems.starts_with(expected); });
        EXPECT(problems.starts_with(expected), problems);
    };
    reload_with("[defaults]\nmax_sesions = 1\n", "[\"" + file + ":3:1: error: unknown key \"max_sesions\"");
    reload_with("[defaults]\nquite = true\n", "[\"" + file + ":3:1: error: unknown key \"quite\"");
    reload_with("", "[]");
    const int status = bench.end();
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0, std::to_string(status));
}

SESSLIMIT_TEST(previewed_policy_is_not_put_into_effect) {
    Bench bench;
    EXPECT(bench.is_up(), "it has its bus name");
    Bench::Answers answers;
    bench.ask(answers, "PreviewPolicy", "sss", "90-set.toml", "version = 1\n[defaults]\nmax_sessions = 0\n", "");
    EXPECT(run_until(bench.loop, [&] { return answers.good == 1; }), "a valid policy");
    bench.ask(answers, "PreviewPolicy", "sss", "90-set.toml", "version = 1\n[defaults]\nmax_sesions = 0\n", "");
    EXPECT(run_until(bench.loop, [&] { return answers.bad == 1; }), "a policy with an error");
    EXPECT_TEXT(Asking(bench.socket()).answer(), "1");
    const int status = bench.end();
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0, std::to_string(status));
}

SESSLIMIT_TEST(quiet_denial_has_no_text) {
    Bench bench;
    EXPECT(bench.is_up(), "it has its bus name");
    std::ofstream(bench.directory.path / "etc/policy.toml")
        << "version = 1\n[defaults]\nmax_sessions = 0\nquiet = true\n";
    Bench::Answers answers;
    bench.ask(answers, "Reload", nullptr);
    EXPECT(run_until(bench.loop, [&] { return answers.good == 1; }), "the policy is loaded");
    EXPECT_TEXT(Asking(bench.socket()).answer(), "3");
    const int status = bench.end();
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0, std::to_string(status));
}

/// machinectl shell and a systemd service with PAMName= discard the text of a denial. login(1) on a console shows it.
SESSLIMIT_TEST(reason_of_denial_is_kept_except_on_console) {
    Bench bench;
    EXPECT(bench.is_up(), "it has its bus name");
    std::ofstream(bench.directory.path / "etc/policy.toml") << "version = 1\n[defaults]\nmax_sessions = 0\n";
    Bench::Answers answers;
    bench.ask(answers, "Reload", nullptr);
    EXPECT(run_until(bench.loop, [&] { return answers.good == 1; }), "the policy is loaded");
    for (const Items& items : {Items{1001, "login", "tty1", ""}, Items{1002, "login", "pts/1", ""},
                               Items{1003, "login", "", ""}, Items{1004, "sshd", "ssh", "192.0.2.7"}}) {
        EXPECT(Asking(bench.socket(), items).answer().starts_with("3 "), std::to_string(items.uid));
    }
    std::string users;
    const auto is_saved = [&] {
        std::ifstream file(bench.directory.path / "run/missed-reasons");
        users.clear();
        for (std::string line; std::getline(file, line);) {
            users += line.substr(0, line.find(' ')) + " ";
        }
        return users.contains("1004");
    };
    EXPECT(run_until(bench.loop, is_saved), users);
    EXPECT_TEXT(users, "1002 1003 1004 ");
    const int status = bench.end();
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0, std::to_string(status));
}

/// logind receives the calls of a starting daemon, but never answers. This must not prevent logins.
SESSLIMIT_TEST(logins_admitted_although_logind_is_silent) {
    int calls = 0;
    const MonotonicTime began = monotonic_now();
    Bench bench([&calls](sd_bus_message*) { return ++calls; });
    EXPECT(bench.is_up(), "it has its bus name");
    EXPECT(monotonic_now() - began < std::chrono::seconds(20), "before the calls to logind time out after 25 s");
    EXPECT(calls > 0, "logind was asked");
    EXPECT_TEXT(Asking(bench.socket()).answer(), "1");
    const int status = bench.end();
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0, std::to_string(status));
}

/// A command that follows the start of the daemon must find it on the bus.
SESSLIMIT_TEST(ready_after_name_on_bus_is_acquired) {
    Bench bench(&Bench::answer, /*suspended=*/true);
    EXPECT(bench.admits(), "a login without the bus");
    EXPECT(!bench.is_ready(), "not before it has its name");
    bench.bus.resume();
    EXPECT(run_until(bench.loop, [&] { return bench.is_ready(); }), "ready");
    EXPECT(bench.has_name(), "it has its bus name");
    const int status = bench.end();
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0, std::to_string(status));
}

SESSLIMIT_TEST(ready_although_bus_is_silent) {
    Bench bench(&Bench::answer, /*suspended=*/true);
    EXPECT(bench.admits(), "a login without the bus");
    EXPECT(run_until(bench.loop, [&] { return bench.is_ready(); }), "ready");
    bench.bus.resume();
    EXPECT(bench.is_up(), "it has its bus name");
    const int status = bench.end();
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0, std::to_string(status));
}

/// The user database contains root's ID, but not a user with this name.
SESSLIMIT_TEST(case_A07_user_looked_up_by_id_only_with_uid_prefix) {
    struct Case {
        const char* user;
        int good;
    };
    Bench bench;
    EXPECT(bench.is_up(), "it has its bus name");
    for (const Case& test : {Case{"root", 1}, Case{"uid:0", 1}, Case{"0", 0}, Case{"uid:4294967293", 0}}) {
        Bench::Answers answers;
        bench.ask(answers, "Explain", "a{sv}", 1, "User", "s", test.user);
        EXPECT(run_until(bench.loop, [&] { return answers.good + answers.bad == 1; }), test.user);
        EXPECT(answers.good == test.good, test.user);
    }
    const int status = bench.end();
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0, std::to_string(status));
}

/// The daemon terminates while some jobs are running and others have not started.
SESSLIMIT_TEST(daemon_terminates_with_pending_jobs) {
    Bench bench;
    EXPECT(bench.is_up(), "it has its bus name");
    Bench::Answers answers;
    for (int round = 0; round < 30; ++round) {
        bench.ask(answers, "Explain", "a{sv}", 1, "User", "s", "root");
        bench.ask(answers, "Reload", nullptr);
    }
    EXPECT(run_until(bench.loop, [&] { return answers.good > 0; }), "the work has started");
    const int status = bench.end();
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0, std::to_string(status));
}

} // namespace

int main() {
    return sesslimit::test::run_all_as_root("only root may reload the policy without polkit");
}
