// SPDX-License-Identifier: MIT
#pragma once

#include "common/protocol.hpp"
#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/core/event.hpp"
#include "daemon/event_loop.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

namespace sesslimit::pam_server {

/// Connections at once, and how long one of them may take to send its request. More connections wait in the kernel.
inline constexpr std::size_t max_connections = 1024;
inline constexpr auto request_timeout = std::chrono::seconds(2);

/// Answers the PAM module: one frame in, one frame out, docs/protocol.md. Root alone is listened to, whatever the mode
/// of the socket; every bound of the protocol is checked here, and nothing behind it checks again.
class Server {
  public:
    /// `event` is given Opened, Closed and RequestAborted; `asks` who Opened is from, right before it, by a pidfd to
    /// hold them by; `failed` what went wrong with a request, for the journal.
    struct Callbacks {
        std::function<void(const Leader&, UniqueFd)> asks = [](const Leader&, UniqueFd) {};
        std::function<void(core::Event)> event;
        std::function<void(Error)> failed;
    };

    /// Takes a listening SOCK_SEQPACKET socket. Nobody is accepted before start().
    static Result<Server> make(sd_event* loop, UniqueFd listener, Callbacks callbacks);

    Server(Server&&) noexcept;
    Server& operator=(Server&&) noexcept;
    ~Server();

    void start();

    /// Sends the answer and ends the connection. Nothing happens where the asker has hung up.
    void answer(RequestId request, const wire::Verdict& verdict);

    /// Tells the asker that its answer takes so much longer; it comes by answer().
    void ask_to_wait(RequestId request, Duration more);

  private:
    struct Impl;
    explicit Server(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

/// A listening socket of our own, mode 0600, in place of what was at `path`; for tests, and for hosts without socket
/// activation.
Result<UniqueFd> listen_at(const char* path);

} // namespace sesslimit::pam_server
