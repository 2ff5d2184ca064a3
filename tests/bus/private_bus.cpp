// SPDX-License-Identifier: MIT
#include "tests/bus/private_bus.hpp"

#include "common/unique_fd.hpp"

#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <vector>

namespace sesslimit::test {
namespace {

namespace fs = std::filesystem;

constexpr int patience_ms = 60'000;
constexpr int address_fd = 3;

std::string write_configuration(const std::string& directory, const std::string& rules) {
    const std::string file = directory + "/bus.conf";
    std::ofstream(file) << "<busconfig><type>custom</type><listen>unix:path=" << directory << "/bus</listen>"
                        << "<auth>EXTERNAL</auth><policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>"
                        << "<allow send_destination=\"*\"/><allow receive_sender=\"*\"/>" << rules
                        << "</policy>"
                        // the system bus's limit
                        << "<limit name=\"max_replies_per_connection\">128</limit></busconfig>";
    return file;
}

/// Starts the daemon. It terminates with the test, even after a failed assert that bypasses destructors, and it
/// inherits none of the test's pipes.
pid_t start(const std::string& directory, const std::string& rules, int address) {
    std::vector<std::string> words{"/usr/bin/setpriv",
                                   "--pdeathsig",
                                   "SIGTERM",
                                   DBUS_DAEMON,
                                   "--nofork",
                                   "--nopidfile",
                                   "--config-file=" + write_configuration(directory, rules),
                                   "--print-address=" + std::to_string(address_fd)};
    std::vector<char*> arguments;
    std::ranges::transform(words, std::back_inserter(arguments), [](std::string& word) { return word.data(); });
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, address, address_fd);
    posix_spawn_file_actions_addopen(&actions, 1, (directory + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    pid_t pid = 0;
    const int error = posix_spawn(&pid, arguments.front(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    return error == 0 ? pid : 0;
}

std::string first_line(int fd) {
    std::string text;
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    while (text.find('\n') == std::string::npos && poll(&ready, 1, patience_ms) > 0) {
        std::array<char, 256> bytes{};
        const ssize_t size = read(fd, bytes.data(), bytes.size());
        if (size <= 0) {
            break;
        }
        text.append(bytes.data(), static_cast<std::size_t>(size));
    }
    return text.substr(0, text.find('\n'));
}

} // namespace

PrivateBus::PrivateBus(const std::string& rules) {
    std::string name = (fs::temp_directory_path() / "sesslimit-bus-XXXXXX").string();
    std::array<int, 2> ends{};
    if (mkdtemp(name.data()) == nullptr || pipe2(ends.data(), O_CLOEXEC) < 0) {
        throw std::runtime_error("cannot create a directory or pipe for the bus");
    }
    directory_ = name;
    const UniqueFd out(ends[0]);
    UniqueFd in(ends[1]);
    pid_ = start(directory_, rules, in.get());
    in.reset();
    address_ = first_line(out.get());
    if (address_.empty()) {
        stop();
        throw std::runtime_error("dbus-daemon failed to start");
    }
}

PrivateBus::~PrivateBus() {
    stop();
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
}

void PrivateBus::stop() {
    if (pid_ > 0) {
        kill(pid_, SIGTERM);
        resume();
        int status = 0;
        waitpid(pid_, &status, 0);
        pid_ = 0;
    }
}

void PrivateBus::suspend() const {
    kill(pid_, SIGSTOP);
}

void PrivateBus::resume() const {
    kill(pid_, SIGCONT);
}

} // namespace sesslimit::test
