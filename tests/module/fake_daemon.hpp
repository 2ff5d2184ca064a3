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

/// A temporary directory under TMPDIR or /tmp. It is deleted with its contents when the object is destroyed.
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

/// Behavior of the daemon for one connection.
struct Step {
    bool read = true;    ///< first reads the request
    int delay_ms = 0;    ///< then waits, after `first` was sent
    std::string answer;  ///< then sends this, unless it is empty
    bool close = true;   ///< then closes the connection, or otherwise leaves it open
    std::string first{}; ///< sent before the delay, unless it is empty
};

/// Reads the request, sends these bytes as the answer and closes.
Step answers(std::string frame);
Step answers(const wire::Verdict& verdict);
/// Admits the login with this session key.
Step admits(std::uint64_t session);
/// Sends the answer and closes without reading the request.
Step answers_without_reading(const wire::Verdict& verdict);
/// Closes without reading the request.
Step dies_before_reading();
/// Closes after reading the request, without an answer.
Step dies_after_reading();
/// Reads the request, never answers and never closes.
Step stalls();

/// Encodes a whole frame.
std::string frame_of(const wire::Verdict& verdict);
std::string frame_of(const wire::Wait& wait);

/// A process that listens like sesslimitd. Each connection is handled by the next step. The last step is repeated for
/// all further connections. The process is started by the constructor and killed by the destructor.
class FakeDaemon {
  public:
    explicit FakeDaemon(const std::vector<Step>& steps);
    FakeDaemon(const FakeDaemon&) = delete;
    FakeDaemon& operator=(const FakeDaemon&) = delete;
    ~FakeDaemon();

    [[nodiscard]] const std::string& socket() const noexcept { return socket_; }
    [[nodiscard]] unsigned connections() const noexcept { return record_->connections; }
    /// Returns the number of frames read, at most the capacity of the record.
    [[nodiscard]] std::size_t frames() const noexcept { return record_->frames; }
    /// Returns a frame by its index, the first is 0. Returns an empty span if it was not read.
    [[nodiscard]] std::span<const std::byte> frame(std::size_t index) const noexcept;

  private:
    struct Frame {
        std::size_t size = 0;
        std::array<std::byte, wire::max_frame> bytes{};
    };
    struct Record { // shared by both processes
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

/// Returns a listening SOCK_SEQPACKET socket bound to `path`.
UniqueFd listen_at(const std::string& path, int backlog);

} // namespace sesslimit::test
