// SPDX-License-Identifier: MIT
#include "daemon/acceptor.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace sesslimit {

Acceptor::Acceptor(sd_event* loop, UniqueFd listener, Duration pause, Callbacks callbacks)
    : loop_(loop), listener_(std::move(listener)), pause_(pause), callbacks_(std::move(callbacks)),
      pause_timer_(loop, CLOCK_MONOTONIC, [this] { start(); }) {}

Result<> Acceptor::prepare() {
    auto source = watch_descriptor(loop_, listener_.get(), EPOLLIN, [this](std::uint32_t) { accept(); });
    if (!source) {
        return std::unexpected(source.error());
    }
    source_ = *std::move(source);
    sd_event_source_set_enabled(source_.get(), SD_EVENT_OFF);
    return {};
}

void Acceptor::start() {
    sd_event_source_set_enabled(source_.get(), SD_EVENT_ON);
}

void Acceptor::accept() {
    for (int accepted = 0; accepted < batch; ++accepted) {
        UniqueFd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (socket) {
            callbacks_.accepted(std::move(socket));
            continue;
        }
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
            callbacks_.failed(fail_errno("accept a connection").error());
            if (pause_timer_.arm_in(pause_)) {
                sd_event_source_set_enabled(source_.get(), SD_EVENT_OFF);
            }
        }
        return;
    }
}

} // namespace sesslimit
