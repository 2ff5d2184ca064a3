// SPDX-License-Identifier: MIT
#include "daemon/frame_queue.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace sesslimit {
namespace {

FrameQueue::Result try_send(int socket, std::span<const std::byte> frame) {
    if (::send(socket, frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
        return FrameQueue::Result::sent;
    }
    const bool must_wait = errno == EAGAIN || errno == EINTR || errno == ENOBUFS;
    return must_wait ? FrameQueue::Result::queued : FrameQueue::Result::lost;
}

} // namespace

FrameQueue::Result FrameQueue::send(int socket, std::span<const std::byte> frame) {
    if (frames_.empty()) {
        if (const Result result = try_send(socket, frame); result != Result::queued) {
            return result;
        }
    }
    if (frames_.size() >= max_frames_) {
        return Result::full;
    }
    frames_.emplace_back(frame.begin(), frame.end());
    return Result::queued;
}

FrameQueue::Result FrameQueue::flush(int socket) {
    while (!frames_.empty()) {
        if (const Result result = try_send(socket, frames_.front()); result != Result::sent) {
            return result;
        }
        frames_.pop_front();
    }
    return Result::sent;
}

} // namespace sesslimit
