// SPDX-License-Identifier: MIT
#include "fleet/fleetd/daemon_link.hpp"

#include "fleet/fleetd/peer.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <memory>
#include <utility>

namespace sesslimit::fleet {

DaemonLink::DaemonLink(sd_event* loop, UniqueFd listener, Callbacks callbacks)
    : loop_(loop), callbacks_(std::move(callbacks)),
      acceptor_(loop, std::move(listener), std::chrono::seconds(1),
                {.accepted = [this](UniqueFd socket) { connect(std::move(socket)); },
                 .failed =
                     [this](const Error& error) {
                         callbacks_.warn("sesslimitd cannot connect for a second: " + error.what);
                     }}) {}

Result<std::unique_ptr<DaemonLink>> DaemonLink::make(sd_event* loop, UniqueFd listener, Callbacks callbacks) {
    std::unique_ptr<DaemonLink> link(new DaemonLink(loop, std::move(listener), std::move(callbacks)));
    if (auto prepared = link->acceptor_.prepare(); !prepared) {
        return std::unexpected(prepared.error());
    }
    link->acceptor_.start();
    return link;
}

void DaemonLink::connect(UniqueFd socket) {
    if (!is_root(socket.get())) {
        callbacks_.warn("Closing a connection of a process that does not run as root.");
        return;
    }
    disconnect();
    auto source = watch_descriptor(loop_, socket.get(), EPOLLIN, [this](std::uint32_t events) { serve(events); });
    if (!source) {
        callbacks_.warn("Closing a connection: " + source.error().what);
        return;
    }
    socket_ = std::move(socket);
    source_ = *std::move(source);
}

void DaemonLink::serve(std::uint32_t events) {
    if ((events & EPOLLOUT) != 0) {
        send_queued();
    }
    if (socket_ && (events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) {
        read_frames();
    }
}

void DaemonLink::read_frames() {
    bool open = true;
    for (int count = 0; open && count < batch; ++count) {
        const ssize_t size = recv(socket_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
            break;
        }
        if (size < 0 && errno == ECONNRESET) {
            continue; // the daemon has closed the connection without reading all frames, but its own can be read
        }
        if (size <= 0) {
            disconnect();
            break;
        }
        open = receive(std::span(buffer_).first(static_cast<std::size_t>(size)));
    }
    callbacks_.received_all();
}

/// Handles a frame. Returns false if the connection has been closed.
bool DaemonLink::receive(std::span<const std::byte> bytes) {
    const auto frame = wire::decode_daemon_frame(bytes);
    if (!frame) {
        close(sesslimit::wire::describe(frame.error()));
        return false;
    }
    if (std::holds_alternative<wire::Hello>(*frame) == greeted_) {
        close(greeted_ ? "a second hello" : "the first frame is not a hello");
        return false;
    }
    greeted_ = true;
    callbacks_.received(*frame);
    return static_cast<bool>(socket_);
}

void DaemonLink::close(std::string_view reason) {
    callbacks_.warn("Closing the connection of sesslimitd, which has sent an invalid frame: " + std::string(reason));
    disconnect();
}

void DaemonLink::disconnect() {
    source_.reset();
    socket_.reset();
    queue_.clear();
    greeted_ = false;
}

template <class Frame>
void DaemonLink::send(const Frame& frame) {
    std::array<std::byte, wire::max_frame> bytes; // NOLINT: only written bytes are read
    if (const auto size = wire::encode(frame, bytes)) {
        send_bytes(std::span<const std::byte>(bytes).first(*size));
    } else {
        callbacks_.warn("Failed to send a frame to sesslimitd: " +
                        std::string(sesslimit::wire::describe(size.error())));
    }
}
template void DaemonLink::send(const wire::AnswerFrame&);
template void DaemonLink::send(const wire::StateFrame&);
template void DaemonLink::send(const wire::OverLimitFrame&);
template void DaemonLink::send(const wire::RepairingFrame&);
template void DaemonLink::send(const wire::EndFrame&);

void DaemonLink::send_bytes(std::span<const std::byte> frame) {
    if (!greeted_) {
        return;
    }
    switch (queue_.send(socket_.get(), frame)) {
    case FrameQueue::Result::sent:
        return;
    case FrameQueue::Result::queued:
        sd_event_source_set_io_events(source_.get(), EPOLLIN | EPOLLOUT);
        return;
    case FrameQueue::Result::full:
        callbacks_.warn("Closing the connection of sesslimitd, which does not read: " + std::to_string(max_queued) +
                        " frames are waiting.");
        break;
    case FrameQueue::Result::lost:
        return stop_sending();
    }
    disconnect();
}

/// Handles that the daemon has closed the connection. The frames that it has sent before are still read.
void DaemonLink::stop_sending() {
    queue_.clear();
    sd_event_source_set_io_events(source_.get(), EPOLLIN);
}

void DaemonLink::send_queued() {
    switch (queue_.flush(socket_.get())) {
    case FrameQueue::Result::sent:
        sd_event_source_set_io_events(source_.get(), EPOLLIN);
        return;
    case FrameQueue::Result::lost:
        return stop_sending();
    case FrameQueue::Result::queued:
    case FrameQueue::Result::full:
        return;
    }
}

} // namespace sesslimit::fleet
