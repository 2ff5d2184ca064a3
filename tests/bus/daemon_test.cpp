// SPDX-License-Identifier: MIT
#include "common/protocol.hpp"
#include "tests/bus/party.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/loop_bench.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;

/// Environment variable with a command line prefix for sesslimitd: an analysis tool and the tool's arguments. The tool
/// must change the exit status if it finds a problem.
constexpr const char* under = "SESSLIMITD_UNDER";

std::vector<std::string> words_of(const char* text) {
    std::istringstream words(text == nullptr ? "" : text);
    return {std::istream_iterator<std::string>(words), {}};
}

/// The PAM items of a login that tests vary.
struct Items {
    uid_t uid = 1001;
    std::string_view service = "sshd";
    std::string_view tty = "ssh";
    std::string_view rhost = "192.0.2.7";
};

/// A login of alice: a process that requests a session as the module does, and stays until let_go().
class Asking {
  public:
    explicit Asking(const std::filesystem::path& socket, const Items& items = {}) {
        int answers[2] = {-1, -1};
        if (pipe2(answers, O_CLOEXEC) < 0) {
            return;
        }
        pid_ = fork();
        if (pid_ == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            const std::string answer = ask(socket, items);
            (void)!write(answers[1], answer.data(), answer.size());
            close(answers[1]);
            while (true) {
                pause();
            }
        }
        close(answers[1]);
        answers_.reset(answers[0]);
    }
    ~Asking() { let_go(); }
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;

    /// Returns "1" if admitted, "3 why" if denied, "-" if there was no answer.
    [[nodiscard]] std::string answer() const {
        std::array<char, wire::max_frame> text{};
        const ssize_t size = read(answers_.get(), text.data(), text.size());
        return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
    }

    void let_go() {
        if (pid_ > 0) {
            (void)kill(pid_, SIGKILL);
            (void)waitpid(pid_, nullptr, 0);
            pid_ = -1;
        }
    }

  private:
    static std::string ask(const std::filesystem::path& socket, const Items& items) {
        constexpr std::array<gid_t, 1> gids{100};
        wire::OpenRequest request;
        request.user = "alice";
        request.uid = items.uid;
        request.gids = wire::GidView(std::span<const gid_t>(gids));
        request.service = items.service;
        request.tty = items.tty;
        request.rhost = items.rhost;
        request.connection = items.rhost.empty() ? "" : "192.0.2.7 40000 192.0.2.1 22";
        request.budget_ms = 10'000;
        std::array<std::byte, wire::max_frame> frame{};
        const std::size_t size = wire::encode(request, frame).value_or(0);
        const UniqueFd fd = connect_to(socket);
        (void)send(fd.get(), frame.data(), size, MSG_NOSIGNAL);
        const ssize_t got = recv(fd.get(), frame.data(), frame.size(), 0);
        const auto verdict =
            wire::decode_verdict(std::span(frame).first(static_cast<std::size_t>(std::max<ssize_t>(got, 0))));
        if (!verdict) {
            return "-";
        }
        const std::string outcome = std::to_string(static_cast<int>(verdict->outcome));
        return verdict->text.empty() ? outcome : outcome + " " + std::string(verdict->text);
    }

    pid_t pid_ = -1;
    UniqueFd answers_;
};

/// sesslimitd on a private bus, with private directories.
struct Bench {
    TemporaryDirectory directory;
    PrivateBus bus;
    EventLoop loop = make_loop();
    Party logind;
    Party asker{loop, bus};
    UniqueFd notifications{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    pid_t daemon = -1;

    /// If the bus is suspended, the daemon can connect to it, but gets no answers.
    explicit Bench(Party::Answers answers = &answer, bool suspended = false)
        : logind(loop, bus, "org.freedesktop.login1", std::move(answers)) {
        if (suspended) {
            bus.suspend();
        }
        make_system_bus(bus);
        receive_notifications();
        std::filesystem::create_directories(directory.path / "etc");
        std::filesystem::create_directories(directory.path / "run");
        std::ofstream(directory.path / "etc/policy.toml") << "version = 1\n[defaults]\nmax_sessions = 3\n"
                                                             "[[rule]]\nname = \"r\"\nmatch.group = \"root\"\n";
        const std::string policy = "--policy-dir=" + (directory.path / "etc").string();
        const std::string run = "--runtime-dir=" + (directory.path / "run").string();
        const std::string place = "--socket=" + socket().string();
        std::vector<std::string> words = words_of(std::getenv(under));
        words.insert(words.end(), {SESSLIMITD, policy, run, place});
        std::vector<char*> line;
        for (std::string& word : words) {
            line.push_back(word.data());
        }
        line.push_back(nullptr);
        daemon = fork();
        if (daemon == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            execvp(line.front(), line.data());
            _exit(127);
        }
    }

    /// Answers for logind: there is one session, of root. The daemon looks up root's groups.
    static int answer(sd_bus_message* call) {
        if (sd_bus_message_is_method_call(call, nullptr, "ListSessions") > 0) {
            return sd_bus_reply_method_return(call, "a(susso)", 1, "3", 0U, "root", "",
                                              "/org/freedesktop/login1/session/_33");
        }
        return sd_bus_reply_method_return(call, "a{sv}", 5, "Class", "s", "user", "Id", "s", "3", "Name", "s", "root",
                                          "State", "s", "active", "Leader", "u", static_cast<std::uint32_t>(getpid()));
    }

    [[nodiscard]] std::filesystem::path socket() const { return directory.path / "socket"; }

    /// Returns true if the daemon has notified the service manager that it is ready (sd_notify(3)).
    [[nodiscard]] bool is_ready() const {
        std::array<char, 64> text{};
        return recv(notifications.get(), text.data(), text.size() - 1, 0) > 0 &&
               std::string_view(text.data()) == "READY=1";
    }

    [[nodiscard]] bool has_name() const {
        return sd_bus_get_name_creds(asker.get(), "org.sesslimit1", 0, nullptr) >= 0;
    }

    bool is_up() {
        return run_until(
            loop, [&] { return has_name(); }, std::chrono::minutes(1)); // an analysis tool makes the start slow
    }

    /// Waits until the daemon has answered a login.
    bool admits() {
        return run_until(
                   loop, [&] { return std::filesystem::exists(socket()); }, std::chrono::minutes(1)) &&
               Asking(socket()).answer() == "1";
    }

    void receive_notifications() const {
        const std::string path = (directory.path / "notify").string();
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        (void)bind(notifications.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
        (void)setenv("NOTIFY_SOCKET", path.c_str(), 1);
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

    /// Terminates the daemon. Returns its status as from waitpid(2).
    int end() {
        int status = -1;
        (void)kill(daemon, SIGTERM);
        (void)waitpid(daemon, &status, 0);
        return status;
    }
};

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
