// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/acceptor.hpp"
#include "daemon/event_loop.hpp"
#include "daemon/frame_queue.hpp"
#include "fleet/protocol.hpp"

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace sesslimit::fleet {

/// The socket on which sesslimitd connects, and its connection (docs/fleet-protocol.md). There is at most one
/// connection.
class DaemonLink {
  public:
    /// Maximum number of frames that wait until the daemon reads. The connection is closed if there are more.
    static constexpr std::size_t max_queued = 4096;
    /// Maximum number of frames that are read before the event loop handles other events.
    static constexpr int batch = 64;

    struct Callbacks {
        /// Receives a frame. It may call send() and close(). The texts of the frame are views that are valid until it
        /// returns.
        std::function<void(const wire::DaemonFrame&)> received;
        /// Is called after a batch of frames.
        std::function<void()> received_all;
        /// Receives a line for the journal.
        std::function<void(const std::string&)> warn;
    };

    /// `listener` is a listening SOCK_SEQPACKET socket with O_NONBLOCK. Lifetime: `loop` must outlive the link.
    /// Errors: no descriptors or memory.
    static Result<std::unique_ptr<DaemonLink>> make(sd_event* loop, UniqueFd listener, Callbacks callbacks);

    DaemonLink(const DaemonLink&) = delete;
    DaemonLink& operator=(const DaemonLink&) = delete;

    /// Sends a frame if the daemon is connected and has sent its Hello. Otherwise the frame is dropped.
    template <class Frame>
    void send(const Frame& frame);

    /// Closes the connection because of a frame that is not valid.
    void close(std::string_view reason);

  private:
    DaemonLink(sd_event* loop, UniqueFd listener, Callbacks callbacks);

    void connect(UniqueFd socket);
    void serve(std::uint32_t events);
    void read_frames();
    bool receive(std::span<const std::byte> frame);
    void send_queued();
    void send_bytes(std::span<const std::byte> frame);
    void stop_sending();
    void disconnect();

    sd_event* loop_;
    Callbacks callbacks_;
    Acceptor acceptor_;
    UniqueFd socket_{}; ///< Connection to the daemon; empty if there is none.
    EventSource source_{};
    bool greeted_ = false; ///< The daemon has sent its Hello on this connection.
    FrameQueue queue_{max_queued};
    /// Buffer for one frame. The additional byte detects a packet that is longer than a frame may be.
    std::array<std::byte, wire::max_frame + 1> buffer_{};
};

} // namespace sesslimit::fleet
