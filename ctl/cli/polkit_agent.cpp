// SPDX-License-Identifier: MIT
#include "ctl/cli/polkit_agent.hpp"

#include "common/unique_fd.hpp"

#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>

namespace sesslimit::ctl {
namespace {

constexpr char program[] = "/usr/bin/pkttyagent";
constexpr int patience_ms = 5000;
constexpr int notify_fd = 3;

pid_t start(int notify) {
    std::array<std::string, 4> words{program, "--notify-fd", std::to_string(notify_fd), "--fallback"};
    const std::array<char*, 5> arguments{words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, notify, notify_fd);
    pid_t pid = 0;
    const int error = posix_spawn(&pid, program, &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    return error == 0 ? pid : 0;
}

} // namespace

PolkitAgent::PolkitAgent() {
    std::array<int, 2> ends{};
    if (access(program, X_OK) != 0 || pipe2(ends.data(), O_CLOEXEC) < 0) {
        return;
    }
    const UniqueFd ready(ends[0]);
    UniqueFd notify(ends[1]);
    pid_ = start(notify.get());
    notify.reset();
    // pkttyagent closes its end of the pipe when it is ready.
    pollfd closed{.fd = ready.get(), .events = POLLIN, .revents = 0};
    poll(&closed, 1, patience_ms);
}

PolkitAgent::~PolkitAgent() {
    if (pid_ > 0) {
        kill(pid_, SIGTERM);
        kill(pid_, SIGCONT);
        int status = 0;
        while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
    }
}

} // namespace sesslimit::ctl
