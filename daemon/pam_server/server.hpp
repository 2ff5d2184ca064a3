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

/// Maximum number of open connections. At this number, a new connection replaces the oldest connection that has not
/// sent a request. If all connections have sent requests, the answer to the new connection is the outcome `failed`,
/// which means that the daemon did not decide.
inline constexpr std::size_t max_connections = 1024;

/// Maximum time from the start of a connection until its request has been received. After this time, the connection is
/// closed.
inline constexpr auto request_timeout = std::chrono::seconds(2);

/// Server for the connections of the PAM module. It receives one request per connection and answers it
/// (docs/protocol.md). It accepts only requests of root processes, independent of the mode of the socket. It checks all
/// bounds of the protocol, so that other components do not check them again.
class Server {
  public:
    /// Receivers of the events OpenRequested, CloseRequested and RequestAborted.
    struct Sinks {
        /// Receiver of all events except those for the receiver `nested`.
        core::EventSink& events;
        /// Receiver of the requests of logins that run inside another session, such as su, and of the aborts of these
        /// requests.
        core::EventSink& nested;
    };

    /// Creates a server that owns `listener`, a listening SOCK_SEQPACKET socket. No connection is accepted before
    /// start(). `failed` is called for each error of a request, so that the caller can log the error. Lifetime: `loop`
    /// must outlive the server. Errors: an event source cannot be created.
    static Result<Server> make(sd_event* loop, UniqueFd listener, std::function<void(const Error&)> failed);

    Server(Server&&) noexcept;
    Server& operator=(Server&&) noexcept;
    ~Server();

    /// Starts to accept connections, and passes their requests to `sinks`. Lifetime: the objects that `sinks`
    /// references must outlive the server.
    void start(const Sinks& sinks);

    /// Returns the pidfd of the process `leader`, whose request is not answered yet. The caller then owns the pidfd,
    /// which the server owned before. Returns an empty descriptor if such a request does not exist, or if its pidfd has
    /// already been returned.
    UniqueFd take_pidfd(const Leader& leader);

    /// Sends the answer to a request and closes the connection of the request. Does nothing if the PAM module has
    /// disconnected.
    void answer(RequestId request, const wire::Verdict& verdict);

    /// Notifies the PAM module that the answer to its request may take up to `more` longer. The answer must later be
    /// sent with answer().
    void ask_to_wait(RequestId request, Duration more);

  private:
    struct Impl;
    explicit Server(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit::pam_server
