// SPDX-License-Identifier: MIT
#include "ctl/cli/pager.hpp"

#include "common/unique_fd.hpp"

#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

namespace sesslimit::ctl {
namespace {

using Words = std::vector<std::string>;

/// The environment variables for the pager less. LESS contains the options that systemd uses (systemctl(1),
/// $SYSTEMD_LESS): quit if the text fits on one screen, raw colors, cut long lines, keep the screen, quit on ^C.
/// LESSSECURE disables the commands of less that run programs and write files. Otherwise a user who may run only
/// sesslimitctl as root (sudo) could run any program as root.
constexpr std::array settings{"LESS=FRSXMK", "LESSSECURE=1"};

/// Returns true if the environment variable PAGER is trusted. A user of sudo controls the environment, but may not have
/// the right to run arbitrary programs as root.
bool environment_is_ours() {
    return std::getenv("SUDO_UID") == nullptr && getuid() == geteuid();
}

Words pager_words() {
    const char* wanted = environment_is_ours() ? std::getenv("PAGER") : nullptr;
    if (wanted == nullptr) {
        return {"less"};
    }
    std::istringstream text{wanted};
    Words words;
    for (std::string word; text >> word;) {
        words.push_back(word);
    }
    return words.empty() || words.front() == "cat" ? Words{} : words;
}

Words pager_environment() {
    Words environment;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        const std::string_view text(*variable);
        if (!text.starts_with("LESS=") && !text.starts_with("LESSSECURE=") && !text.starts_with("LESSOPEN=")) {
            environment.emplace_back(text);
        }
    }
    environment.insert(environment.end(), settings.begin(), settings.end());
    return environment;
}

std::vector<char*> pointers(Words& words) {
    std::vector<char*> out;
    std::ranges::transform(words, std::back_inserter(out), [](std::string& word) { return word.data(); });
    out.push_back(nullptr);
    return out;
}

/// Starts the pager with `input` as its standard input. Returns the PID of the pager, or 0 on failure.
pid_t start(Words words, int input) {
    Words variables = pager_environment();
    const std::vector<char*> arguments = pointers(words);
    const std::vector<char*> environment = pointers(variables);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    pid_t pid = 0;
    const int error =
        posix_spawnp(&pid, arguments.front(), &actions, &attributes, arguments.data(), environment.data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error == 0 ? pid : 0;
}

void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = write(fd, text.data(), text.size());
        if (written < 0 && errno != EINTR) {
            return; // The pager has exited.
        }
        text.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
    }
}

void wait_for(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
}

} // namespace

bool through_pager(std::string_view text) {
    const Words words = pager_words();
    std::array<int, 2> ends{};
    if (words.empty() || pipe2(ends.data(), O_CLOEXEC) < 0) {
        return false;
    }
    UniqueFd out(ends[0]);
    UniqueFd in(ends[1]);
    const pid_t pid = start(words, out.get());
    if (pid == 0) {
        return false;
    }
    out.reset();
    std::signal(SIGPIPE, SIG_IGN);
    write_all(in.get(), text);
    in.reset();
    wait_for(pid);
    return true;
}

} // namespace sesslimit::ctl
