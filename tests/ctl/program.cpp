// SPDX-License-Identifier: MIT
#include "tests/ctl/program.hpp"

#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

namespace sesslimit::test {
namespace {

constexpr int patience_ms = 60'000;

std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> out;
    std::ranges::transform(words, std::back_inserter(out), [](std::string& word) { return word.data(); });
    out.push_back(nullptr);
    return out;
}

std::vector<std::string> environment_of(const Program::Start& start) {
    std::vector<std::string> environment = start.environment;
    for (const std::string& usual : {std::string("TZ=UTC"), std::string("LC_ALL=C.UTF-8"), std::string("TERM=xterm"),
                                     std::string("PATH=/usr/bin:/bin"), "DBUS_SYSTEM_BUS_ADDRESS=" + start.bus}) {
        const std::string name = usual.substr(0, usual.find('=') + 1);
        if (std::ranges::none_of(start.environment, [&](const std::string& one) { return one.starts_with(name); })) {
            environment.push_back(usual);
        }
    }
    return environment;
}

UniqueFd new_terminal(unsigned short columns, std::string& name) {
    UniqueFd terminal(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    std::array<char, 128> path{};
    const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    if (grantpt(terminal.get()) < 0 || unlockpt(terminal.get()) < 0 ||
        ptsname_r(terminal.get(), path.data(), path.size()) != 0 || ioctl(terminal.get(), TIOCSWINSZ, &size) < 0) {
        throw std::runtime_error("no terminal");
    }
    name = path.data();
    return terminal;
}

struct Pipe {
    UniqueFd out;
    UniqueFd in;
    Pipe() {
        std::array<int, 2> ends{};
        if (pipe2(ends.data(), O_CLOEXEC) < 0) {
            throw std::runtime_error("no pipe");
        }
        out.reset(ends[0]);
        in.reset(ends[1]);
    }
};

pid_t spawn(const Program::Start& start, posix_spawn_file_actions_t& actions) {
    std::vector<std::string> words{start.command.empty() ? SESSLIMITCTL : start.command};
    words.insert(words.end(), start.arguments.begin(), start.arguments.end());
    std::vector<std::string> variables = environment_of(start);
    const std::vector<char*> arguments = pointers(words);
    const std::vector<char*> environment = pointers(variables);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    // the first terminal that it opens becomes its controlling terminal
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    pid_t pid = 0;
    const int error =
        posix_spawn(&pid, words.front().c_str(), &actions, &attributes, arguments.data(), environment.data());
    posix_spawnattr_destroy(&attributes);
    if (error != 0) {
        throw std::runtime_error("cannot run " + words.front());
    }
    return pid;
}

} // namespace

Program::Program(const Start& start) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    std::string name = "/dev/null";
    if (start.columns) {
        output_ = new_terminal(*start.columns, name);
        input_ = UniqueFd(fcntl(output_.get(), F_DUPFD_CLOEXEC, 0));
    }
    posix_spawn_file_actions_addopen(&actions, 0, name.c_str(), O_RDWR, 0);
    Pipe out;
    Pipe err;
    posix_spawn_file_actions_adddup2(&actions, start.columns ? 0 : out.in.get(), 1);
    posix_spawn_file_actions_adddup2(&actions, start.columns ? 0 : err.in.get(), 2);
    pid_ = spawn(start, actions);
    posix_spawn_file_actions_destroy(&actions);
    if (!start.columns) {
        output_ = std::move(out.out);
        errors_ = std::move(err.out);
    }
}

Program::~Program() {
    if (pid_ > 0) {
        kill(pid_, SIGKILL);
        int status = 0;
        waitpid(pid_, &status, 0);
    }
}

/// Reads available output. Returns false if both ends are closed or no output arrives in time.
bool Program::read_some(int patience) {
    std::array<pollfd, 2> waiting{pollfd{.fd = output_.get(), .events = POLLIN, .revents = 0},
                                  pollfd{.fd = errors_.get(), .events = POLLIN, .revents = 0}};
    if ((!output_ && !errors_) || poll(waiting.data(), waiting.size(), patience) <= 0) {
        return false;
    }
    for (std::size_t i = 0; i < waiting.size(); ++i) {
        if (waiting[i].revents == 0) {
            continue;
        }
        std::array<char, 4096> bytes{};
        const ssize_t size = read(waiting[i].fd, bytes.data(), bytes.size());
        std::string& text = i == 0 ? outcome_.out : outcome_.err;
        if (size > 0) {
            text.append(bytes.data(), static_cast<std::size_t>(size));
            std::erase(text, '\r'); // a terminal adds it before each line end
        } else {
            (i == 0 ? output_ : errors_).reset(); // reading a closed terminal fails with EIO
        }
    }
    return true;
}

bool Program::has(const std::string& text) const {
    return outcome_.out.find(text) != std::string::npos || outcome_.err.find(text) != std::string::npos;
}

bool Program::wait_for(const std::string& text) {
    return hears_within(text, patience_ms);
}

bool Program::hears_within(const std::string& text, int milliseconds) {
    while (!has(text) && read_some(milliseconds)) {
    }
    return has(text);
}

void Program::type(const std::string& text) {
    [[maybe_unused]] const ssize_t written = write(input_.get(), text.data(), text.size());
}

void Program::signal(int number) {
    kill(pid_, number);
}

void Program::close_output() {
    output_.reset();
}

Program::Outcome Program::finish() {
    while (read_some(patience_ms)) {
    }
    if (output_ || errors_) {
        return outcome_; // the program hangs; the destructor kills it
    }
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    outcome_.exit = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return outcome_;
}

Program::Outcome run(const Program::Start& start) {
    return Program(start).finish();
}

} // namespace sesslimit::test
