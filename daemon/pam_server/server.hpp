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

/// Maximum number of connections, and maximum time until a connection has sent its request. At the maximum number, a
/// new connection replaces the oldest connection without a request. If all connections have sent requests, the new
/// connection receives a failure.
inline constexpr std::size_t max_connections = 1024;
inline constexpr auto request_timeout = std::chrono::seconds(2);

/// Server for the PAM module. It receives one request per connection and answers it (docs/protocol.md). It accepts
/// requests from root only, independent of the mode of the socket. It checks all bounds of the protocol, and no other
/// component checks these bounds again.
class Server {
  public:
    /// Receivers of OpenRequested, CloseRequested and RequestAborted. `nested` receives the requests of logins that run
    /// inside another session, and their aborts. `events` receives all others.
    struct Sinks {
        core::EventSink& events;
        core::EventSink& nested;
    };

    /// Takes ownership of a listening SOCK_SEQPACKET socket. No connection is accepted before start(). `failed`
    /// receives errors of requests, for the journal. Errors: an event source cannot be created.
    static Result<Server> make(sd_event* loop, UniqueFd listener, std::function<void(const Error&)> failed);

    Server(Server&&) noexcept;
    Server& operator=(Server&&) noexcept;
    ~Server();

    /// Starts to accept connections, and passes their requests to the sinks. Lifetime: the sinks must outlive the
    /// server.
    void start(const Sinks& sinks);

    /// Returns a pidfd of a process whose open request is not yet answered. Returns an empty descriptor if there is no
    /// such request, or if the pidfd has already been returned. The server owns the pidfd until then.
    UniqueFd take_pidfd(const Leader& leader);

    /// Sends the answer and closes the connection. Does nothing if the caller has disconnected.
    void answer(RequestId request, const wire::Verdict& verdict);

    /// Notifies the caller that it must wait up to `more` longer for its answer. answer() later sends the answer.
    void ask_to_wait(RequestId request, Duration more);

  private:
    struct Impl;
    explicit Server(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

/// Creates a listening socket with mode 0600 at `path`, and replaces an existing file at that path. Used by tests, and
/// on hosts without socket activation.
Result<UniqueFd> listen_at(const char* path);

} // namespace sesslimit::pam_server
