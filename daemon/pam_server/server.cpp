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

/// How long nobody is accepted after the process ran out of descriptors: without it the loop would spin.
constexpr auto breath = std::chrono::milliseconds(100);

constexpr std::uint64_t usec(Duration span) {
    return static_cast<std::uint64_t>(span.count());
}

/// Accepted in one go, before the loop gives others their turn.
constexpr int accepted_batch_size = 64;

} // namespace

struct Server::Impl {
    struct Connection {
        Impl* owner = nullptr;
        RequestId id = RequestId::none;
        UniqueFd socket;
        EventSource source;
        Duration since{};   ///< CLOCK_MONOTONIC
        bool asked = false; ///< its request is here, and its answer is not
    };

    sd_event* loop;
    UniqueFd listener;
    Callbacks callbacks;
    EventSource accepting;
    EventSource patience;                        ///< for the oldest connection that has not asked yet
    EventSource resting;                         ///< nobody is accepted before it is over
    std::map<RequestId, Connection> connections; ///< in the order of their coming
    std::uint64_t last_id = 0;
    std::array<std::byte, wire::max_frame + 1> buffer{};

    Impl(sd_event* event_loop, UniqueFd socket, Callbacks tell)
        : loop(event_loop), listener(std::move(socket)), callbacks(std::move(tell)) {}

    // Each handler of the loop: a connection may be gone when it returns.

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
            // A request that is closed on unread resets the connection, and the answer is lost (unix(7)).
            (void)recv(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
            return send(socket.get(), {.outcome = wire::Outcome::failed, .session = 0, .text = {}});
        }
        const RequestId id{++last_id};
        Connection& connection = connections[id];
        connection.owner = this;
        connection.id = id;
        connection.socket = std::move(socket);
        connection.since = monotonic_now();
        if (!read_request(connection)) { // mostly it is here already
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

    /// False: the connection is gone.
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
        // Answered in there, it is gone when this returns.
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
            // Without an answer the module would let in whom it was to deny.
            size = wire::encode(wire::Verdict{verdict.outcome, verdict.session, {}}, frame);
        }
        if (size) {
            send(socket, std::span(frame).first(*size));
        }
    }

    void send(int socket, std::span<const std::byte> frame) {
        // A small frame into an empty socket: it goes at once, or the asker is gone.
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

    /// Ends the oldest connection that has sent nothing. False: every one has asked, and waits for its answer.
    bool make_room() {
        const auto silent = std::ranges::find_if(connections, [](const auto& entry) { return !entry.second.asked; });
        if (silent == connections.end()) {
            return false;
        }
        connections.erase(silent);
        return true;
    }

    /// One timer for all that have not asked yet: they came in order, and each may take as long as the next.
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
    // Made while there are descriptors: the loop's own clock is one.
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
