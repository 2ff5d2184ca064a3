// SPDX-License-Identifier: MIT
#include "daemon/pam_server/server.hpp"

#include "daemon/pam_server/open_request.hpp"
#include "daemon/pam_server/peer_identity.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>

namespace sesslimit::pam_server {
namespace {

/// Pause in accepting connections after the process ran out of descriptors. Without the pause the loop would spin.
constexpr auto breath = std::chrono::milliseconds(100);

constexpr std::uint64_t usec(Duration span) {
    return static_cast<std::uint64_t>(span.count());
}

/// Maximum number of connections accepted in a row, before the loop handles other events.
constexpr int accepted_batch_size = 64;

} // namespace

struct Server::Impl {
    struct Connection {
        Impl* owner = nullptr;
        RequestId id = RequestId::none;
        UniqueFd socket;
        EventSource source;
        Duration since{};   ///< time of the connection, CLOCK_MONOTONIC
        bool asked = false; ///< true if the request was received and is not yet answered
    };

    sd_event* loop;
    UniqueFd listener;
    Callbacks callbacks;
    EventSource accepting;
    EventSource patience;                        ///< timer for the oldest connection without a request
    EventSource resting;                         ///< timer for the end of the pause in accepting connections
    std::map<RequestId, Connection> connections; ///< open connections in the order of arrival
    std::uint64_t last_id = 0;
    std::array<std::byte, wire::max_frame + 1> buffer{};

    Impl(sd_event* event_loop, UniqueFd socket, Callbacks tell)
        : loop(event_loop), listener(std::move(socket)), callbacks(std::move(tell)) {}

    // The loop calls the functions whose names begin with on_. A connection may be gone when such a function returns.

    static int on_connect(sd_event_source*, int, std::uint32_t, void* self) {
        auto& server = *static_cast<Impl*>(self);
        for (int accepted = 0; accepted < accepted_batch_size; ++accepted) {
            UniqueFd socket(accept4(server.listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
            if (!socket) {
                if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
                    server.callbacks.failed(fail_errno("accept a connection").error());
                    server.rest(); // out of descriptors
                }
                break;
            }
            server.take(std::move(socket));
        }
        return 0;
    }

    static int on_ready(sd_event_source*, int, std::uint32_t events, void* data) {
        auto& connection = *static_cast<Connection*>(data);
        Impl& server = *connection.owner;
        if (!connection.asked && (events & EPOLLIN) != 0) {
            server.read_request(connection);
        } else {
            server.hung_up(connection.id);
        }
        return 0;
    }

    static int on_impatience(sd_event_source*, std::uint64_t, void* self) {
        auto& server = *static_cast<Impl*>(self);
        const Duration late = monotonic_now() - request_timeout;
        std::erase_if(server.connections,
                      [late](const auto& entry) { return !entry.second.asked && entry.second.since <= late; });
        server.arm_patience();
        return 0;
    }

    static int on_rested(sd_event_source*, std::uint64_t, void* self) {
        sd_event_source_set_enabled(static_cast<Impl*>(self)->accepting.get(), SD_EVENT_ON);
        return 0;
    }

    void take(UniqueFd socket) {
        if (connections.size() >= max_connections && !make_room()) {
            // Closing the socket with an unread request resets the connection, and the answer is lost (unix(7)).
            (void)recv(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
            return send(socket.get(), {.outcome = wire::Outcome::failed, .session = 0, .text = {}});
        }
        const RequestId id{++last_id};
        Connection& connection = connections[id];
        connection.owner = this;
        connection.id = id;
        connection.socket = std::move(socket);
        connection.since = monotonic_now();
        if (!read_request(connection)) { // usually the request has already arrived
            return;
        }
        sd_event_source* source = nullptr;
        const int code =
            sd_event_add_io(loop, &source, connection.socket.get(), EPOLLIN | EPOLLRDHUP, &Impl::on_ready, &connection);
        connection.source.reset(source);
        if (code < 0) {
            callbacks.failed(fail_errno("watch a connection", -code).error());
            return hung_up(id);
        }
        if (!connection.asked && !patience) {
            arm_patience();
        }
    }

    /// Reads and handles the request if it has arrived. Returns false if the connection is gone.
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
        connection.asked = true;
        // If handle() answers the request, the connection is gone when it returns.
        handle(id, connection.socket.get(), std::span(buffer).first(static_cast<std::size_t>(size)));
        return connections.contains(id);
    }

    void handle(RequestId id, int socket, std::span<const std::byte> frame) {
        auto found = peer_of(socket);
        if (!found) {
            return fail_request(id, found.error());
        }
        const Leader peer = found->leader;
        const auto kind = wire::kind_of(frame);
        if (kind == wire::Kind::open) {
            const auto request = wire::decode_open(frame);
            if (!request) {
                return fail_request(id, request.error(), peer);
            }
            callbacks.asks(peer, std::move(found->pidfd));
            return callbacks.event(opened_by(*request, id, peer));
        }
        if (kind == wire::Kind::close) {
            const auto request = wire::decode_close(frame);
            return request ? callbacks.event(core::CloseRequested{id, SessionKey{request->session}, peer})
                           : fail_request(id, request.error(), peer);
        }
        fail_request(id, kind ? wire::WireError::unknown_kind : kind.error(), peer);
    }

    void fail_request(RequestId id, wire::WireError error, const Leader& peer) {
        fail_request(id, {"request of process " + std::to_string(peer.pid) + ": " + std::string(wire::describe(error)),
                          EBADMSG});
    }

    void fail_request(RequestId id, const Error& error) {
        callbacks.failed(error);
        answer(id, {.outcome = wire::Outcome::failed, .session = 0, .text = {}});
    }

    void hung_up(RequestId id) {
        const auto at = connections.find(id);
        const bool asked = at != connections.end() && at->second.asked;
        connections.erase(id);
        if (asked) {
            callbacks.event(core::RequestAborted{id});
        }
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
            callbacks.failed({"reply too long for its frame, sent without its text", EMSGSIZE});
            // Without an answer the module would admit a denied login.
            size = wire::encode(wire::Verdict{verdict.outcome, verdict.session, {}}, frame);
        }
        if (size) {
            send(socket, std::span(frame).first(*size));
        }
    }

    void send(int socket, std::span<const std::byte> frame) {
        // The frame is small and the send buffer is empty, so the frame is sent immediately unless the caller is gone.
        if (::send(socket, frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EPIPE &&
            errno != ECONNRESET) {
            callbacks.failed(fail_errno("reply to a login request").error());
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

    /// Closes the oldest connection that has not sent a request. Returns false if all connections wait for answers.
    bool make_room() {
        const auto silent = std::ranges::find_if(connections, [](const auto& entry) { return !entry.second.asked; });
        if (silent == connections.end()) {
            return false;
        }
        connections.erase(silent);
        return true;
    }

    /// Arms one timer for all connections without a request. These connections have the same timeout and are sorted by
    /// arrival, so the oldest expires first.
    void arm_patience() {
        patience.reset();
        const auto silent = std::ranges::find_if(connections, [](const auto& entry) { return !entry.second.asked; });
        if (silent != connections.end()) {
            sd_event_source* source = nullptr;
            (void)sd_event_add_time(loop, &source, CLOCK_MONOTONIC, usec(silent->second.since + request_timeout), 0,
                                    &Impl::on_impatience, this);
            patience.reset(source);
        }
    }

    void rest() {
        make_room();
        if (sd_event_source_set_time_relative(resting.get(), usec(breath)) >= 0 &&
            sd_event_source_set_enabled(resting.get(), SD_EVENT_ONESHOT) >= 0) {
            sd_event_source_set_enabled(accepting.get(), SD_EVENT_OFF);
        }
    }
};

Server::Server(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&&) noexcept = default;
Server::~Server() = default;

Result<Server> Server::make(sd_event* loop, UniqueFd listener, Callbacks callbacks) {
    auto impl = std::make_unique<Impl>(loop, std::move(listener), std::move(callbacks));
    sd_event_source* source = nullptr;
    int code = sd_event_add_io(loop, &source, impl->listener.get(), EPOLLIN, &Impl::on_connect, impl.get());
    if (code < 0) {
        return fail_errno("watch the socket", -code);
    }
    impl->accepting.reset(source);
    sd_event_source_set_enabled(source, SD_EVENT_OFF);
    // The timer is created while descriptors are available, because the loop opens a descriptor for the clock.
    code = sd_event_add_time(loop, &source, CLOCK_MONOTONIC, 0, 0, &Impl::on_rested, impl.get());
    if (code < 0) {
        return fail_errno("create a timer", -code);
    }
    impl->resting.reset(source);
    sd_event_source_set_enabled(source, SD_EVENT_OFF);
    return Server(std::move(impl));
}

void Server::start() {
    sd_event_source_set_enabled(impl_->accepting.get(), SD_EVENT_ON);
}

void Server::ask_to_wait(RequestId request, Duration more) {
    impl_->ask_to_wait(request, more);
}

void Server::answer(RequestId request, const wire::Verdict& verdict) {
    impl_->answer(request, verdict);
}

} // namespace sesslimit::pam_server
