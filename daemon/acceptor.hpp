// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/event_loop.hpp"

#include <functional>

namespace sesslimit {

/// Accepts the connections of a listening socket in an event loop.
class Acceptor {
  public:
    /// Maximum number of connections that are accepted before the event loop handles other events.
    static constexpr int batch = 64;
    struct Callbacks {
        /// Receives a connection, which is not blocking and is closed when a program is executed.
        std::function<void(UniqueFd)> accepted;
        /// Receives an error. Afterwards no connection is accepted during the pause.
        std::function<void(const Error&)> failed;
    };

    /// `listener` is a listening socket with O_NONBLOCK. `pause` is the time for which no connection is accepted after
    /// an error, such as too many open descriptors. Without it, the event loop would retry continuously. Lifetime:
    /// `loop` must outlive the acceptor.
    Acceptor(sd_event* loop, UniqueFd listener, Duration pause, Callbacks callbacks);
    Acceptor(const Acceptor&) = delete;
    Acceptor& operator=(const Acceptor&) = delete;
    ~Acceptor() = default;

    /// Creates the event source, which start() needs. Errors: out of memory or descriptors.
    Result<> prepare();
    /// Starts to accept connections.
    void start();

  private:
    void accept();

    sd_event* loop_;
    UniqueFd listener_;
    Duration pause_;
    Callbacks callbacks_;
    EventSource source_;
    /// Timer that ends a pause.
    Timer pause_timer_;
};

} // namespace sesslimit
