// SPDX-License-Identifier: MIT
#include "fleet/fleetd/daemon_link.hpp"

#include "fleet/fleetd/peer.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>
#include <utility>

namespace sesslimit::fleet {
namespace {

/// Time for which no connections are accepted after the process has run out of descriptors.
constexpr auto accept_pause = std::chrono::seconds(1);

template <class Frame>
std::expected<DaemonFrame, wire::WireError> decode_as(std::span<const std::byte> frame) {
    auto message = wire::decode<Frame>(frame);
    if (!message) {
        return std::unexpected(message.error());
    }
    return *std::move(message);
}

std::expected<DaemonFrame, wire::WireError> decode_frame(std::span<const std::byte> frame) {
    const auto kind = wire::kind_of(frame);
    if (!kind) {
        return std::unexpected(kind.error());
    }
    switch (*kind) {
    case wire::Kind::hello:
        return decode_as<wire::Hello>(frame);
    case wire::Kind::claim:
        return decode_as<wire::ClaimFrame>(frame);
    case wire::Kind::listed:
        return decode_as<wire::ListedFrame>(frame);
    case wire::Kind::list_end:
        return decode_as<wire::ListEnd>(frame);
    case wire::Kind::release:
        return decode_as<wire::ReleaseFrame>(frame);
    case wire::Kind::ended:
        return decode_as<wire::EndedFrame>(frame);
    default: // a kind that only sesslimit-fleetd sends
        return std::unexpected(wire::WireError::unknown_kind);
    }
}

} // namespace

Result<std::unique_ptr<DaemonLink>> DaemonLink::make(sd_event* loop, UniqueFd listener, Callbacks callbacks) {
    std::unique_ptr<DaemonLink> link(new DaemonLink(loop, std::move(listener), std::move(callbacks)));
    auto source = watch_descriptor(loop, link->listener_.get(), EPOLLIN,
                                   [self = link.get()](std::uint32_t) { self->accept_connections(); });
    if (!source) {
        return std::unexpected(source.error());
    }
    link->accepting_ = *std::move(source);
    return link;
}

void DaemonLink::accept_connections() {
    for (int accepted = 0; accepted < batch; ++accepted) {
        UniqueFd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (socket) {
            connect(std::move(socket));
            continue;
        }
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
            callbacks_.warn("Failed to accept a connection, trying again in 1 s: " + std::string(std::strerror(errno)));
            if (pause_.arm_in(accept_pause)) {
                sd_event_source_set_enabled(accepting_.get(), SD_EVENT_OFF);
            }
        }
        return;
    }
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
    const auto frame = decode_frame(bytes);
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
    queued_.clear();
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
    if (!greeted_ || (queued_.empty() && try_send(frame)) || !socket_) {
        return;
    }
    if (queued_.size() >= max_queued) {
        callbacks_.warn("Closing the connection of sesslimitd, which does not read: " + std::to_string(max_queued) +
                        " frames are waiting.");
        return disconnect();
    }
    queued_.emplace_back(frame.begin(), frame.end());
    sd_event_source_set_io_events(source_.get(), EPOLLIN | EPOLLOUT);
}

/// Returns true if the frame was sent. Closes the connection if the daemon has closed it.
bool DaemonLink::try_send(std::span<const std::byte> frame) {
    if (::send(socket_.get(), frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
        return true;
    }
    if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS) {
        disconnect();
    }
    return false;
}

void DaemonLink::send_queued() {
    while (!queued_.empty() && try_send(queued_.front())) {
        queued_.pop_front();
    }
    if (socket_ && queued_.empty()) {
        sd_event_source_set_io_events(source_.get(), EPOLLIN);
    }
}

} // namespace sesslimit::fleet
