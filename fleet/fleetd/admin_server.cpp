// SPDX-License-Identifier: MIT
#include "fleet/fleetd/admin_server.hpp"

#include "common/text.hpp"
#include "fleet/fleetd/peer.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace sesslimit::fleet {
namespace {

constexpr auto timer_accuracy = std::chrono::milliseconds(10);

/// Returns a line for the journal about a request that changes the fleet, and an empty text for other requests.
std::string note_of(const admin::Request& request) {
    if (const auto* end = std::get_if<admin::End>(&request)) {
        const std::string subject =
            end->subject.empty() ? "uid:" + std::to_string(end->uid.value_or(0)) : escape_for_display(end->subject);
        return escape_for_display(end->by) + " terminates all sessions of the " +
               (end->what == EndOrder::Kind::user ? "user " : "credential ") + subject + " in the fleet.";
    }
    if (const auto* drain = std::get_if<admin::Drain>(&request)) {
        return escape_for_display(drain->by) + " makes this host leave the fleet.";
    }
    if (const auto* forget = std::get_if<admin::Forget>(&request)) {
        return escape_for_display(forget->by) + " frees the slots of the host " + escape_for_display(forget->host) +
               ".";
    }
    return {};
}

} // namespace

/// The connection of an administrator, with at most one request.
class AdminServer::Connection final : AdminEffects {
  public:
    Connection(AdminServer& server, UniqueFd socket) : server_(server), socket_(std::move(socket)) {}

    /// Starts to wait for a request. Returns false if the process has no descriptors.
    bool open() {
        auto source =
            watch_descriptor(server_.loop_, socket_.get(), EPOLLIN, [this](std::uint32_t events) { serve(events); });
        if (!source || !timer_.arm_in(request_timeout)) {
            return false;
        }
        source_ = *std::move(source);
        return true;
    }

    void on_left() {
        if (request_) {
            request_->on_left();
            go_on();
        }
    }
    [[nodiscard]] bool is_closed() const { return !socket_; }
    /// Removes the connections to etcd of a request that has ended.
    void disconnect_idle() {
        if (!request_) {
            client_.reset();
        }
    }

  private:
    void serve(std::uint32_t events) {
        if ((events & EPOLLOUT) != 0) {
            follow(queue_.flush(socket_.get()));
        }
        if (socket_ && (events & EPOLLIN) != 0 && !request_ && queue_.empty()) {
            receive();
        } else if (socket_ && (events & (EPOLLHUP | EPOLLERR)) != 0) {
            close();
        }
        go_on();
    }

    void receive() {
        // The additional byte detects a packet that is longer than a frame may be.
        std::array<std::byte, admin::max_frame + 1> bytes; // NOLINT: only written bytes are read
        const ssize_t size = recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (size <= 0) {
            return close();
        }
        const auto request =
            admin::decode_request(std::span<const std::byte>(bytes).first(static_cast<std::size_t>(size)));
        if (!request) {
            server_.callbacks_.warn("Closing the connection of an administrator, which has sent an invalid frame: " +
                                    std::string(sesslimit::wire::describe(request.error())));
            return close();
        }
        start(*request);
    }

    void start(const admin::Request& request) {
        client_.reset();
        auto connected = server_.callbacks_.connect(
            [this](std::uint64_t id, const CallResult& result, bool) { on_reply(id, result); });
        if (!connected) {
            send(admin::Done{.code = admin::Done::Code::failed, .text = connected.error().what});
            return;
        }
        client_.emplace(*std::move(connected));
        if (const std::string note = note_of(request); !note.empty()) {
            server_.callbacks_.note(note);
        }
        timer_.disarm();
        request_.emplace(server_.callbacks_.settings(), static_cast<AdminEffects&>(*this));
        request_->start(boottime_now(), request, server_.callbacks_.state());
    }

    void on_reply(std::uint64_t id, const CallResult& result) {
        if (request_) {
            request_->on_reply(boottime_now(), id, result);
        }
        go_on();
    }

    void on_time() {
        if (!request_) {
            return close(); // it has sent no request
        }
        request_->on_time(boottime_now());
        go_on();
    }

    /// Continues with the request after an event.
    void go_on() {
        if (request_ && request_->is_done()) {
            request_.reset();
        }
        if (!socket_) {
            request_.reset();
        }
        while (request_ && queue_.empty() && request_->waits_until_sent()) {
            request_->on_sent(boottime_now());
        }
        watch_events();
        if (!request_) {
            server_.clean_up_soon();
            if (socket_ && !timer_.arm_in(request_timeout)) {
                close();
            }
            return;
        }
        const BootTime deadline = request_->deadline();
        if (deadline == never) {
            timer_.disarm();
        } else if (!timer_.arm_at(deadline.time_since_epoch())) {
            close();
        }
    }

    // --- Frames of the reply ----------------------------------------------------------------------------------------

    void send(const admin::Row& row) override {
        std::array<std::byte, admin::max_frame> bytes; // NOLINT: only written bytes are read
        const auto size = admin::encode_any(row, bytes);
        if (!size) {
            server_.callbacks_.warn("Failed to send a frame to an administrator: " +
                                    std::string(sesslimit::wire::describe(size.error())));
            return;
        }
        const auto frame = std::span<const std::byte>(bytes).first(*size);
        if (socket_) {
            follow(queue_.send(socket_.get(), frame));
        }
    }

    /// Closes the connection if the administrator has closed it, or does not read.
    void follow(FrameQueue::Result result) {
        if (result == FrameQueue::Result::full) {
            server_.callbacks_.warn("Closing the connection of an administrator, which does not read: " +
                                    std::to_string(max_queued) + " frames are waiting.");
        }
        if (result == FrameQueue::Result::lost || result == FrameQueue::Result::full) {
            return close();
        }
        watch_events();
    }

    /// Waits for the events that are handled in this state: a request, or the end of the connection.
    void watch_events() {
        if (socket_) {
            const std::uint32_t input = request_ || !queue_.empty() ? 0 : static_cast<std::uint32_t>(EPOLLIN);
            const std::uint32_t output = queue_.empty() ? 0 : static_cast<std::uint32_t>(EPOLLOUT);
            sd_event_source_set_io_events(source_.get(), input | output);
        }
    }

    void close() {
        source_.reset();
        socket_.reset();
        queue_.clear();
        timer_.disarm();
        server_.clean_up_soon();
    }

    // --- Other effects of the request -------------------------------------------------------------------------------

    void call(std::uint64_t id, const Call& call) override { client_->call(id, call); }

    void watch(const KeyRange& keys, std::int64_t revision) override {
        client_->watch(
            keys, revision,
            [this](const std::vector<etcd::Client::Change>& changes) {
                for (const etcd::Client::Change& change : changes) {
                    if (request_ && !change.deleted) {
                        request_->on_change(boottime_now(), change.key, change.value);
                    }
                }
                go_on();
            },
            [this] {
                if (request_) {
                    request_->on_watch_lost(boottime_now());
                }
                go_on();
            });
    }

    void leave(const std::string& reason) override { server_.callbacks_.leave(reason); }

    AdminServer& server_;
    UniqueFd socket_;
    EventSource source_{};
    FrameQueue queue_{max_queued};
    std::optional<etcd::Client> client_{};
    std::optional<AdminRequest> request_{};
    /// Deadline of the request, or the time until which a request must arrive.
    Timer timer_{server_.loop_, CLOCK_BOOTTIME, [this] { on_time(); }, timer_accuracy};
};

AdminServer::AdminServer(sd_event* loop, UniqueFd listener, Callbacks callbacks)
    : loop_(loop), callbacks_(std::move(callbacks)),
      acceptor_(loop, std::move(listener), std::chrono::seconds(1),
                {.accepted = [this](UniqueFd socket) { connect(std::move(socket)); },
                 .failed =
                     [this](const Error& error) {
                         callbacks_.warn("Administrators cannot connect for a second: " + error.what);
                     }}),
      cleanup_(loop, CLOCK_MONOTONIC, [this] { remove_closed(); }, timer_accuracy) {}

AdminServer::~AdminServer() = default;

Result<std::unique_ptr<AdminServer>> AdminServer::make(sd_event* loop, UniqueFd listener, Callbacks callbacks) {
    std::unique_ptr<AdminServer> server(new AdminServer(loop, std::move(listener), std::move(callbacks)));
    if (auto prepared = server->acceptor_.prepare(); !prepared) {
        return std::unexpected(prepared.error());
    }
    server->acceptor_.start();
    return server;
}

void AdminServer::connect(UniqueFd socket) {
    if (!is_root(socket.get())) {
        callbacks_.warn("Closing a connection of a process that does not run as root.");
        return;
    }
    remove_closed();
    if (connections_.size() >= max_connections) {
        std::array<std::byte, admin::max_frame> bytes; // NOLINT: only written bytes are read
        const admin::Done busy{.code = admin::Done::Code::failed,
                               .text = "too many other requests are being handled, try again later"};
        const std::size_t size = admin::encode(busy, bytes).value_or(0);
        (void)::send(socket.get(), bytes.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL);
        return;
    }
    if (!connections_.emplace_back(*this, std::move(socket)).open()) {
        connections_.pop_back();
    }
}

void AdminServer::clean_up_soon() {
    if (const auto armed = cleanup_.arm_in({}); !armed) {
        callbacks_.warn("Connections of administrators remain open until the next one: " + armed.error().what);
    }
}

void AdminServer::remove_closed() {
    std::erase_if(connections_, [](const Connection& connection) { return connection.is_closed(); });
    for (Connection& connection : connections_) {
        connection.disconnect_idle();
    }
}

void AdminServer::on_left() {
    for (Connection& connection : connections_) {
        connection.on_left();
    }
}

} // namespace sesslimit::fleet
