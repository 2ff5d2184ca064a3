// SPDX-License-Identifier: MIT
#pragma once

#include "common/unique_fd.hpp"
#include "daemon/inspect/socket_message.hpp"

#include <linux/netlink.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

namespace sesslimit::inspect {

/// Maximum size in bytes of a message that is received. The kernel adapts the parts of a list to the buffer of the
/// reader, up to this size (netlink_dump in net/netlink/af_netlink.c). A reply about one socket has about 600 bytes in
/// Linux 6.18.
inline constexpr std::size_t max_part_length = 32768;
using PartBuffer = std::array<std::byte, max_part_length>;

/// Socket for sock_diag(7), which requires no privileges. It is non-blocking, and no function of the class waits. The
/// kernel creates a reply, or the first part of a list, during the send() of the request. It creates the next part of a
/// list during each recv(). The same socket can answer requests about one socket while a list is being read, but the
/// kernel reads only one list at a time (EBUSY, __netlink_dump_start in net/netlink/af_netlink.c).
class SockDiag {
  public:
    /// Takes ownership of the socket. It describes the sockets of the network namespace in which it was created. If the
    /// descriptor is empty, nothing is sent or received.
    explicit SockDiag(UniqueFd fd);

    /// Creates a socket for the network namespace of this process. Returns an empty descriptor if the socket cannot be
    /// created.
    static UniqueFd socket_here() noexcept;

    [[nodiscard]] bool is_open() const noexcept { return static_cast<bool>(fd_); }

    /// Sends a request, which begins with a struct nlmsghdr. Sets the length and the sequence number in the header.
    /// Returns the sequence number, or nothing if the request could not be sent.
    template <class Request>
    std::optional<std::uint32_t> send(Request request) noexcept {
        request.header.nlmsg_len = sizeof request;
        request.header.nlmsg_seq = ++sequence_;
        return send(std::as_bytes(std::span(&request, 1))) ? std::optional(sequence_) : std::nullopt;
    }

    /// Receives the reply, or the first part of the list, for the request with this sequence number. Returns nothing if
    /// it was not received. Other messages are passed to the list reader, or ignored. Lifetime: the result refers to
    /// `buffer`.
    Bytes receive(std::uint32_t sequence, PartBuffer& buffer);

    /// Message that was received. The bytes are empty if a message was lost, is too long, or was not sent by the
    /// kernel.
    using Message = std::optional<Bytes>;

    /// Receives the next message. Returns nothing if there is none. Lifetime: the result refers to `buffer`.
    Message next(PartBuffer& buffer) noexcept;

    /// Discards the next message. Returns false if there is none.
    bool discard() noexcept;

    /// Sets the function that gets the messages that receive() does not expect. It is set while a list is being read,
    /// because receive() would otherwise lose parts of the list. The function may be empty.
    void set_list_reader(std::function<void(Bytes)> reader) { list_reader_ = std::move(reader); }

  private:
    bool send(Bytes request) noexcept;

    UniqueFd fd_;
    std::uint32_t sequence_; ///< last request's sequence number
    std::function<void(Bytes)> list_reader_;
};

} // namespace sesslimit::inspect
