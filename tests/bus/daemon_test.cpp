// SPDX-License-Identifier: MIT
#include "tests/bus/party.hpp"
#include "tests/unit/cmocka.hpp"
#include "tests/unit/loop_bench.hpp"

#include <csignal>
#include <fstream>
#include <string>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;

/// sesslimitd itself, on a bus of the test's own, with directories of the test's own.
struct Bench {
    TemporaryDirectory directory;
    PrivateBus bus;
    EventLoop loop = make_loop();
    Party logind{loop, bus, "org.freedesktop.login1", [](sd_bus_message* call) { return answer(call); }};
    Party asker{loop, bus};
    pid_t daemon = -1;

    Bench() {
        make_system_bus(bus);
        std::filesystem::create_directories(directory.path / "etc");
        std::filesystem::create_directories(directory.path / "run");
        std::ofstream(directory.path / "etc/policy.toml") << "version = 1\n[defaults]\nmax_sessions = 3\n"
                                                             "[[rule]]\nname = \"r\"\nmatch.group = \"root\"\n";
        const std::string policy = "--policy-dir=" + (directory.path / "etc").string();
        const std::string run = "--runtime-dir=" + (directory.path / "run").string();
        const std::string socket = "--socket=" + (directory.path / "socket").string();
        daemon = fork();
        if (daemon == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            execl(SESSLIMITD, "sesslimitd", policy.c_str(), run.c_str(), socket.c_str(), nullptr);
            _exit(127);
        }
    }

    /// logind has a session of root's, whose groups the daemon looks up.
    static int answer(sd_bus_message* call) {
        if (sd_bus_message_is_method_call(call, nullptr, "ListSessions") > 0) {
            return sd_bus_reply_method_return(call, "a(susso)", 1, "3", 0U, "root", "",
                                              "/org/freedesktop/login1/session/_33");
        }
        return sd_bus_reply_method_return(call, "a{sv}", 4, "Id", "s", "3", "Name", "s", "root", "State", "s", "active",
                                          "Leader", "u", static_cast<std::uint32_t>(getpid()));
    }

    bool is_up() {
        return run_until(loop, [&] { return sd_bus_get_name_creds(asker.get(), "org.sesslimit1", 0, nullptr) >= 0; });
    }

    struct Answers {
        int good = 0;
        int bad = 0;
    };
    template <class... Values>
    void ask(Answers& answers, const char* method, const char* types, Values... values) {
        (void)sd_bus_call_method_async(
            asker.get(), nullptr, "org.sesslimit1", "/org/sesslimit1", "org.sesslimit1.Manager", method,
            [](sd_bus_message* m, void* data, sd_bus_error*) {
                auto& counted = *static_cast<Answers*>(data);
                ++(sd_bus_message_is_method_error(m, nullptr) > 0 ? counted.bad : counted.good);
                return 0;
            },
            &answers, types, values...);
    }

    /// Its status as waitpid(2) has it.
    int end() {
        int status = -1;
        (void)kill(daemon, SIGTERM);
        (void)waitpid(daemon, &status, 0);
        return status;
    }
};

/// Look-ups, policies and the loop's own work at once: with ThreadSanitizer the worker's part in them is looked at.
void the_worker_and_the_loop_go_together() {
    constexpr int rounds = 16; // as many look-ups as one user may have wait at once
    Bench bench;
    EXPECT(bench.is_up(), "it has its name");
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

/// It ends with jobs under way and others that have not begun.
void it_ends_in_the_middle_of_its_work() {
    Bench bench;
    EXPECT(bench.is_up(), "it has its name");
    Bench::Answers answers;
    for (int round = 0; round < 30; ++round) {
        bench.ask(answers, "Explain", "a{sv}", 1, "User", "s", "root");
        bench.ask(answers, "Reload", nullptr);
    }
    EXPECT(run_until(bench.loop, [&] { return answers.good > 0; }), "it has begun");
    const int status = bench.end();
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0, std::to_string(status));
}

} // namespace

int main() {
    if (getuid() != 0) {
        print_message("skipped: only root may have the policy loaded anew without polkit\n");
        return 77;
    }
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(the_worker_and_the_loop_go_together),
        SESSLIMIT_TEST(it_ends_in_the_middle_of_its_work),
    };
    return cmocka_run_group_tests_name("daemon", tests, nullptr, nullptr);
}
