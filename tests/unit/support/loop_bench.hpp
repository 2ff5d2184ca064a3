// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "common/unique_fd.hpp"
#include "daemon/event_loop.hpp"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>

/// Shared code for tests with system calls: an event loop, a temporary directory, child processes.
namespace sesslimit::test {

/// A temporary directory, deleted with the object.
struct TemporaryDirectory {
    std::filesystem::path path;

    TemporaryDirectory() {
        std::string name = (std::filesystem::temp_directory_path() / "sesslimit-test-XXXXXX").string();
        if (mkdtemp(name.data()) != nullptr) {
            path = name;
        }
    }
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
};

inline EventLoop make_loop() {
    return std::move(make_event_loop()).value();
}

/// Runs the loop until `done` returns true. Returns false if that takes longer than `most`.
template <class Condition>
bool run_until(const EventLoop& loop, const Condition& done, Duration most = std::chrono::minutes(1)) {
    const MonotonicTime until = monotonic_now() + most;
    while (!done()) {
        if (monotonic_now() > until || sd_event_run(loop.get(), 100'000) < 0) {
            return false;
        }
    }
    return true;
}

/// Processes all pending events without waiting.
inline void run_ready(const EventLoop& loop) {
    while (sd_event_run(loop.get(), 0) > 0) {
    }
}

/// A process that does nothing until it is killed.
class Child {
  public:
    Child() : pid_(fork()) {
        if (pid_ == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            while (true) {
                pause();
            }
        }
    }
    ~Child() { finish(); }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    void let_go() const { (void)kill(pid_, SIGKILL); }

    /// Kills and reaps the process. Returns its status as from waitpid(2), or -1 if it was reaped before.
    int finish() {
        int status = -1;
        if (pid_ > 0) {
            let_go();
            (void)waitpid(pid_, &status, 0);
            pid_ = -1;
        }
        return status;
    }

  private:
    pid_t pid_;
};

/// Connects to a SOCK_SEQPACKET socket. Receiving on the connection times out after a minute.
inline UniqueFd connect_to(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    const timeval patience{.tv_sec = 60, .tv_usec = 0};
    (void)setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
        fd.reset();
    }
    return fd;
}

} // namespace sesslimit::test
