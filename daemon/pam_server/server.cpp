// SPDX-License-Identifier: MIT
#include "daemon/pam_server/server.hpp"

#include "daemon/acceptor.hpp"
#include "daemon/pam_server/request.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <utility>
#include <variant>

namespace sesslimit::pam_server {
namespace {

/// Pause after the process has run out of descriptors. A login waits for it.
constexpr Duration accept_pause = std::chrono::milliseconds(100);

} // namespace

struct Server::Impl {
    struct Connection {
        RequestId id = RequestId::none;
        UniqueFd socket;
        /// pidfd of the process that sent the request. Empty until the request has been received, and after
        /// take_pidfd() has returned it.
        UniqueFd pidfd;
        /// Process that sent the request.
        Leader leader;
        /// Receiver of the request. Null until the request has been received.
        core::EventSink* sink = nullptr;
        EventSource source;
        /// Time at which the connection was accepted, CLOCK_MONOTONIC.
        MonotonicTime since{};

        [[nodiscard]] bool asked() const { return sink != nullptr; }
    };

    sd_event* loop;
    /// Callback for errors of requests.
    std::function<void(const Error&)> failed;
    std::optional<Sinks> sinks; ///< set by start()
    Acceptor acceptor;
    /// Timer that expires when the oldest connection without a request must be closed.
    Timer request_timer;
    /// Open connections in the order of their arrival.
    std::map<RequestId, Connection> connections;
    /// ID of the newest connection. IDs start at 1.
    std::uint64_t last_id = 0;
    /// Buffer for one request. The additional byte detects a request that is longer than a frame may be.
    std::array<std::byte, wire::max_frame + 1> buffer{};

    Impl(sd_event* event_loop, UniqueFd socket, std::function<void(const Error&)> report)
        : loop(event_loop), failed(std::move(report)),
          acceptor(loop, std::move(socket), accept_pause,
                   {.accepted = [this](UniqueFd accepted) { add_connection(std::move(accepted)); },
                    .failed = [this](const Error& error) { accept_failed(error); }}),
          request_timer(loop, CLOCK_MONOTONIC, [this] { close_silent_connections(); }) {}

    void accept_failed(const Error& error) {
        failed(error);
        make_room(); // the process has probably run out of descriptors
    }

    /// Handles epoll events of a connection. The function may close and delete the connection.
    void serve(Connection& connection, std::uint32_t events) {
        if (!connection.asked() && (events & EPOLLIN) != 0) {
            read_request(connection);
        } else {
            hung_up(connection.id);
        }
    }

    void close_silent_connections() {
        const MonotonicTime late = monotonic_now() - request_timeout;
        std::erase_if(connections,
                      [late](const auto& entry) { return !entry.second.asked() && entry.second.since <= late; });
        arm_request_timer();
    }

    void add_connection(UniqueFd socket) {
        if (connections.size() >= max_connections && !make_room()) {
            // The request is read before the socket is closed. Closing a socket with unread data resets the connection,
            // and the answer would be lost (unix(7)).
            (void)recv(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
            return send(socket.get(), {.outcome = wire::Outcome::failed, .session = 0, .text = {}});
        }
        const RequestId id{++last_id};
        Connection& connection = connections[id];
        connection.id = id;
        connection.socket = std::move(socket);
        connection.since = monotonic_now();
        // The request has usually arrived already, so it is read immediately.
        if (!read_request(connection)) {
            return;
        }
        auto source = watch_descriptor(loop, connection.socket.get(), EPOLLIN | EPOLLRDHUP,
                                       [this, &connection](std::uint32_t events) { serve(connection, events); });
        if (!source) {
            failed(source.error());
            return hung_up(id);
        }
        connection.source = *std::move(source);
        if (!connection.asked() && !request_timer.is_armed()) {
            arm_request_timer();
        }
    }

    /// Reads and handles the request of a connection, if it has arrived. Returns false if the connection has been
    /// closed and deleted.
    bool read_request(Connection& connection) {
        const ssize_t size = recv(connection.socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        const RequestId id = connection.id;
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
            return true;
        }
        if (size <= 0) {
            connections.erase(id);
            return false;
        }
        // handle() may answer the request immediately, which deletes the connection.
        handle(connection, std::span(buffer).first(static_cast<std::size_t>(size)));
        return connections.contains(id);
    }

    void handle(Connection& connection, std::span<const std::byte> frame) {
        auto peer = peer_of(connection.socket.get());
        if (!peer) {
            return fail_request(connection.id, peer.error());
        }
        auto event = event_of(frame, connection.id, peer->leader);
        if (!event) {
            return fail_request(connection.id, {"request of process " + std::to_string(peer->leader.pid) + ": " +
                                                    std::string(wire::describe(event.error())),
                                                EBADMSG});
        }
        const auto* opened = std::get_if<core::OpenRequested>(&*event);
        connection.leader = peer->leader;
        connection.pidfd = std::move(peer->pidfd);
        connection.sink = opened != nullptr && opened->login.nested ? &sinks->nested : &sinks->events;
        connection.sink->handle(*std::move(event));
    }

    void fail_request(RequestId id, const Error& error) {
        failed(error);
        answer(id, {.outcome = wire::Outcome::failed, .session = 0, .text = {}});
    }

    void hung_up(RequestId id) {
        const auto at = connections.find(id);
        core::EventSink* sink = at == connections.end() ? nullptr : at->second.sink;
        connections.erase(id);
        if (sink != nullptr) {
            sink->handle(core::RequestAborted{id});
        }
    }

    UniqueFd take_pidfd(const Leader& leader) {
        // The connection of a request is searched from the newest connection to the oldest. The request that is being
        // handled is usually the newest one.
        for (auto& [id, connection] : std::views::reverse(connections)) {
            if (connection.pidfd && connection.leader == leader) {
                return std::move(connection.pidfd);
            }
        }
        return {};
    }

    void answer(RequestId id, const wire::Verdict& verdict) {
        if (const auto at = connections.find(id); at != connections.end()) {
            send(at->second.socket.get(), verdict);
            connections.erase(at);
        }
    }

    void send(int socket, const wire::Verdict& verdict) {
        std::array<std::byte, wire::max_text + 256> frame{};
        auto size = wire::encode(verdict, frame);
        if (!size) {
            failed({"the reply to a login is too long for a protocol frame and was sent without the text for the user",
                    EMSGSIZE});
            // An answer that is too long is sent without its text for the user. Without an answer, the PAM module would
            // admit even a denied login.
            size = wire::encode(wire::Verdict{verdict.outcome, verdict.session, {}}, frame);
        }
        if (size) {
            send(socket, std::span(frame).first(*size));
        }
    }

    void send(int socket, std::span<const std::byte> frame) {
        // The frame is small and the send buffer of the socket is empty. The frame is therefore sent immediately,
        // unless the PAM module has disconnected.
        if (::send(socket, frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EPIPE &&
            errno != ECONNRESET) {
            failed(fail_errno("reply to a login request").error());
        }
    }

    void ask_to_wait(RequestId id, Duration more) {
        const auto at = connections.find(id);
        const auto whole = std::chrono::ceil<std::chrono::milliseconds>(more).count();
        const wire::Wait wait{static_cast<std::uint32_t>(std::clamp<std::int64_t>(whole, 1, wire::max_wait_ms))};
        std::array<std::byte, 64> frame{};
        const auto size = wire::encode(wait, frame);
        if (at != connections.end() && size) {
            send(at->second.socket.get(), std::span(frame).first(*size));
        }
    }

    /// Closes the oldest connection that has not sent a request. Returns false if every connection has sent a request.
    bool make_room() {
        const auto silent = std::ranges::find_if(connections, [](const auto& entry) { return !entry.second.asked(); });
        if (silent == connections.end()) {
            return false;
        }
        connections.erase(silent);
        return true;
    }

    /// Arms the timer for all connections that have not sent a request. All of these connections have the same timeout,
    /// so the timer is armed for the oldest connection.
    void arm_request_timer() {
        const auto silent = std::ranges::find_if(connections, [](const auto& entry) { return !entry.second.asked(); });
        if (silent == connections.end()) {
            return request_timer.disarm();
        }
        if (auto armed = request_timer.arm_at((silent->second.since + request_timeout).time_since_epoch()); !armed) {
            failed(armed.error());
            // Without a timer, a connection that never sends a request would stay open forever.
            connections.erase(silent);
        }
    }
};

Server::Server(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&&) noexcept = default;
Server::~Server() = default;

Result<Server> Server::make(sd_event* loop, UniqueFd listener, std::function<void(const Error&)> failed) {
    auto impl = std::make_unique<Impl>(loop, std::move(listener), std::move(failed));
    if (auto prepared = impl->acceptor.prepare(); !prepared) {
        return std::unexpected(prepared.error());
    }
    return Server(std::move(impl));
}

UniqueFd Server::take_pidfd(const Leader& leader) {
    return impl_->take_pidfd(leader);
}

void Server::start(const Sinks& sinks) {
    impl_->sinks.emplace(sinks);
    impl_->acceptor.start();
}

void Server::ask_to_wait(RequestId request, Duration more) {
    impl_->ask_to_wait(request, more);
}

void Server::answer(RequestId request, const wire::Verdict& verdict) {
    impl_->answer(request, verdict);
}

} // namespace sesslimit::pam_server
