// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <vector>

namespace sesslimit {

/// The frames for a SOCK_SEQPACKET socket that its peer has not received yet. No call waits.
class FrameQueue {
  public:
    enum class Result {
        sent,   ///< No frame waits.
        queued, ///< Frames wait. flush() must be called when the socket is writable.
        full,   ///< The peer does not read, and the frame was dropped.
        lost,   ///< The socket has failed, with the reason in errno.
    };

    /// `max_frames` is the maximum number of frames that wait.
    explicit FrameQueue(std::size_t max_frames) : max_frames_(max_frames) {}

    /// Sends a frame after those that wait.
    [[nodiscard]] Result send(int socket, std::span<const std::byte> frame);
    /// Sends the frames that wait. Never returns `full`.
    [[nodiscard]] Result flush(int socket);

    [[nodiscard]] bool empty() const { return frames_.empty(); }
    void clear() { frames_.clear(); }

  private:
    std::size_t max_frames_;
    std::deque<std::vector<std::byte>> frames_{};
};

} // namespace sesslimit
