// SPDX-License-Identifier: MIT
#include "daemon/pam_server/server.hpp"

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

/// Pause in accepting connections after the process ran out of descriptors. Without the pause the loop would spin.
constexpr auto accept_pause = std::chrono::milliseconds(100);

/// Maximum number of connections accepted in a row, before the loop handles other events.
constexpr int accepted_batch_size = 64;

} // namespace

struct Server::Impl {
    struct Connection {
        RequestId id = RequestId::none;
        UniqueFd socket;
        UniqueFd pidfd; ///< pidfd of the process whose request was received, until take_pidfd() returns it
        Leader leader;  ///< process whose request was received
        core::EventSink* sink = nullptr; ///< receiver of the request; null: the request was not received
        EventSource source;
        Duration since{}; ///< time of the connection, CLOCK_MONOTONIC

        [[nodiscard]] bool asked() const { return sink != nullptr; }
    };

    sd_event* loop;
    UniqueFd listener;
    std::function<void(const Error&)> failed;
    std::optional<Sinks> sinks; ///< set by start()
    EventSource accepting;
    Timer request_timer;                         ///< expires for the oldest connection without a request
    Timer pause_timer;                           ///< ends a pause in accepting connections
    std::map<RequestId, Connection> connections; ///< open connections in the order of arrival
    std::uint64_t last_id = 0;
    std::array<std::byte, wire::max_frame + 1> buffer{};

    Impl(sd_event* event_loop, UniqueFd socket, std::function<void(const Error&)> report)
        : loop(event_loop), listener(std::move(socket)), failed(std::move(report)),
          request_timer(loop, CLOCK_MONOTONIC, [this] { close_silent_connections(); }),
          pause_timer(loop, CLOCK_MONOTONIC, [this] { sd_event_source_set_enabled(accepting.get(), SD_EVENT_ON); }) {}

    void accept_connections() {
        for (int accepted = 0; accepted < accepted_batch_size; ++accepted) {
            UniqueFd socket(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
            if (!socket) {
                if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
                    failed(fail_errno("accept a connection").error());
                    pause_accepting(); // out of descriptors
                }
                break;
            }
            add_connection(std::move(socket));
        }
    }

    /// Handles events of a connection, which may be gone when this function returns.
    void serve(Connection& connection, std::uint32_t events) {
        if (!connection.asked() && (events & EPOLLIN) != 0) {
            read_request(connection);
        } else {
            hung_up(connection.id);
        }
    }

    void close_silent_connections() {
        const Duration late = monotonic_now() - request_timeout;
        std::erase_if(connections,
                      [late](const auto& entry) { return !entry.second.asked() && entry.second.since <= late; });
        arm_request_timer();
    }

    void add_connection(UniqueFd socket) {
        if (connections.size() >= max_connections && !make_room()) {
            // Closing the socket with an unread request resets the connection, and the answer is lost (unix(7)).
            (void)recv(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
            return send(socket.get(), {.outcome = wire::Outcome::failed, .session = 0, .text = {}});
        }
        const RequestId id{++last_id};
        Connection& connection = connections[id];
        connection.id = id;
        connection.socket = std::move(socket);
        connection.since = monotonic_now();
        if (!read_request(connection)) { // usually the request has already arrived
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
        // If the sink answers the request, the connection is gone when handle() returns.
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
        // The newest request is usually the one that is being handled.
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

    /// Closes the oldest connection that has not sent a request. Returns false if all connections wait for answers.
    bool make_room() {
        const auto silent = std::ranges::find_if(connections, [](const auto& entry) { return !entry.second.asked(); });
        if (silent == connections.end()) {
            return false;
        }
        connections.erase(silent);
        return true;
    }

    /// Arms one timer for all connections without a request. These connections have the same timeout and are sorted by
    /// arrival, so the oldest expires first.
    void arm_request_timer() {
        const auto silent = std::ranges::find_if(connections, [](const auto& entry) { return !entry.second.asked(); });
        if (silent == connections.end()) {
            return request_timer.disarm();
        }
        if (auto armed = request_timer.arm_at(silent->second.since + request_timeout); !armed) {
            failed(armed.error());
            connections.erase(silent); // without the timer the connection could stay open forever
        }
    }

    void pause_accepting() {
        make_room();
        if (pause_timer.arm_in(accept_pause)) {
            sd_event_source_set_enabled(accepting.get(), SD_EVENT_OFF);
        }
    }
};

Server::Server(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&&) noexcept = default;
Server::~Server() = default;

Result<Server> Server::make(sd_event* loop, UniqueFd listener, std::function<void(const Error&)> failed) {
    auto impl = std::make_unique<Impl>(loop, std::move(listener), std::move(failed));
    auto accepting = watch_descriptor(loop, impl->listener.get(), EPOLLIN,
                                      [server = impl.get()](std::uint32_t) { server->accept_connections(); });
    if (!accepting) {
        return std::unexpected(accepting.error());
    }
    sd_event_source_set_enabled(accepting->get(), SD_EVENT_OFF);
    impl->accepting = *std::move(accepting);
    return Server(std::move(impl));
}

UniqueFd Server::take_pidfd(const Leader& leader) {
    return impl_->take_pidfd(leader);
}

void Server::start(const Sinks& sinks) {
    impl_->sinks.emplace(sinks);
    sd_event_source_set_enabled(impl_->accepting.get(), SD_EVENT_ON);
}

void Server::ask_to_wait(RequestId request, Duration more) {
    impl_->ask_to_wait(request, more);
}

void Server::answer(RequestId request, const wire::Verdict& verdict) {
    impl_->answer(request, verdict);
}

} // namespace sesslimit::pam_server
