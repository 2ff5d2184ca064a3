// SPDX-License-Identifier: MIT
#pragma once

#include "common/protocol.hpp"
#include "common/unique_fd.hpp"

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace sesslimit::test {

/// A directory of its own under TMPDIR or /tmp, gone with everything in it when this goes.
class TempDir {
  public:
    TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir();
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

/// What the daemon does with one connection.
struct Step {
    bool read = true;   ///< takes the request first
    int delay_ms = 0;   ///< then waits, once it has sent `first`
    std::string answer; ///< then sends this, where there is something
    bool close = true;  ///< then closes, or else holds the connection open for ever
    std::string first{};
};

Step answers(std::string frame);
Step answers(const wire::Verdict& verdict);
Step admits(std::uint64_t session);
Step answers_without_reading(const wire::Verdict& verdict);
Step dies_before_reading();
Step dies_after_reading();
Step stalls();

/// The bytes of a whole frame.
std::string frame_of(const wire::Verdict& verdict);
std::string frame_of(const wire::Wait& wait);

/// A process that listens as sesslimitd does. Connection by connection it goes through its steps, the last of which
/// holds for all that come after. Started by the constructor, ended by the destructor.
class FakeDaemon {
  public:
    explicit FakeDaemon(const std::vector<Step>& steps);
    FakeDaemon(const FakeDaemon&) = delete;
    FakeDaemon& operator=(const FakeDaemon&) = delete;
    ~FakeDaemon();

    [[nodiscard]] const std::string& socket() const noexcept { return socket_; }
    [[nodiscard]] unsigned connections() const noexcept { return record_->connections; }
    /// How many frames were read, at most as many as there is a place for.
    [[nodiscard]] std::size_t frames() const noexcept { return record_->frames; }
    /// One of them, the first is 0; empty where it was not read.
    [[nodiscard]] std::span<const std::byte> frame(std::size_t index) const noexcept;

  private:
    struct Frame {
        std::size_t size = 0;
        std::array<std::byte, wire::max_frame> bytes{};
    };
    struct Record { // shared by the two processes
        std::atomic<unsigned> connections = 0;
        std::atomic<std::size_t> frames = 0;
        std::array<Frame, 8> kept{};
    };

    [[noreturn]] void serve(int listener, const std::vector<Step>& steps) noexcept;
    void take(int connection) noexcept;

    TempDir dir_;
    std::string socket_;
    Record* record_ = nullptr;
    pid_t child_ = -1;
};

/// A listening SOCK_SEQPACKET socket at `path`.
UniqueFd listen_at(const std::string& path, int backlog);

} // namespace sesslimit::test
