// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/acceptor.hpp"
#include "daemon/event_loop.hpp"
#include "daemon/frame_queue.hpp"
#include "fleet/admin.hpp"
#include "fleet/etcd/client.hpp"

#include <functional>
#include <list>
#include <memory>
#include <string>

namespace sesslimit::fleet {

/// The socket for administrators, and its connections (docs/fleet-protocol.md). Each request has connections to etcd of
/// its own, which are closed after it, so that it does not delay the claims of the daemon.
class AdminServer {
  public:
    /// Maximum number of connections. Others are rejected.
    static constexpr std::size_t max_connections = 4;
    /// Maximum number of frames that wait until an administrator reads. A reply reads the next page of records only
    /// after the last one was sent.
    static constexpr std::size_t max_queued = 16384;
    /// Time in which a connection must send its request.
    static constexpr auto request_timeout = std::chrono::seconds(10);

    struct Callbacks {
        /// Returns the settings of a request, with a random number for an order.
        std::function<AdminRequest::Settings()> settings;
        std::function<HostState()> state;
        /// Connects to etcd.
        std::function<Result<etcd::Client>(etcd::Client::Done)> connect;
        /// Makes the host leave the fleet. on_left() is called when it has left.
        std::function<void(const std::string& reason)> leave;
        /// Receives a line for the journal about a change that an administrator has requested.
        std::function<void(const std::string&)> note;
        std::function<void(const std::string&)> warn;
    };

    /// `listener` is a listening SOCK_SEQPACKET socket with O_NONBLOCK. Lifetime: `loop` must outlive the server.
    /// Errors: no descriptors or memory.
    static Result<std::unique_ptr<AdminServer>> make(sd_event* loop, UniqueFd listener, Callbacks callbacks);

    AdminServer(const AdminServer&) = delete;
    AdminServer& operator=(const AdminServer&) = delete;
    ~AdminServer();

    void on_left();

  private:
    class Connection;

    AdminServer(sd_event* loop, UniqueFd listener, Callbacks callbacks);
    void connect(UniqueFd socket);
    void clean_up_soon();
    void remove_closed();

    sd_event* loop_;
    Callbacks callbacks_;
    Acceptor acceptor_;
    /// Removes closed connections, and connections to etcd that are no longer needed. They are not removed by their own
    /// callbacks.
    Timer cleanup_;
    std::list<Connection> connections_;
};

} // namespace sesslimit::fleet
