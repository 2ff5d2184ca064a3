// SPDX-License-Identifier: MIT
#pragma once

#include "common/protocol.hpp"
#include "tests/bus/party.hpp"
#include "tests/unit/support/loop_bench.hpp"

#include <fcntl.h>
#include <poll.h>
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

/// sesslimitd on a private bus, and logins that request sessions from it.
namespace sesslimit::test {

/// Environment variable with a command line prefix for sesslimitd: an analysis tool and the tool's arguments. The tool
/// must change the exit status if it finds a problem.
inline constexpr const char* under = "SESSLIMITD_UNDER";

inline std::vector<std::string> words_of(const char* text) {
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

    [[nodiscard]] bool is_answered() const {
        pollfd answer{.fd = answers_.get(), .events = POLLIN, .revents = 0};
        return poll(&answer, 1, 0) > 0;
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
        start();
    }

    void start() {
        const std::string policy = "--policy-dir=" + (directory.path / "etc").string();
        const std::string run = "--runtime-dir=" + (directory.path / "run").string();
        const std::string place = "--socket=" + socket().string();
        const std::string fleet = "--fleet-socket=" + fleet_socket();
        std::vector<std::string> words = words_of(std::getenv(under));
        words.insert(words.end(), {SESSLIMITD, policy, run, place, fleet});
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
    [[nodiscard]] std::string fleet_socket() const { return (directory.path / "fleet.socket").string(); }

    /// Replaces [defaults] of the policy. Returns true when the daemon has loaded it.
    bool reload(const std::string& defaults) {
        std::ofstream(directory.path / "etc/policy.toml") << "version = 1\n[defaults]\n" << defaults;
        Answers answers;
        ask(answers, "Reload", nullptr);
        return run_until(loop, [&] { return answers.good == 1; });
    }

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

} // namespace sesslimit::test
