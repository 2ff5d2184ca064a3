// SPDX-License-Identifier: MIT
#include "pam/call.hpp"

#include "common/protocol.hpp"
#include "common/unique_fd.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sesslimit::pam {
namespace {

using Done = std::expected<void, Failure>;
using std::unexpected;

/// Sets the send or receive timeout of a socket to the time that remains until `deadline`. If a signal interrupts a
/// socket call that has a timeout, the kernel does not restart the call (signal(7)). Therefore this function must be
/// called again before the socket call is repeated.
Done limit_wait(int socket, int option, MonotonicTime deadline) noexcept {
    const Duration left = deadline - monotonic_now();
    if (left <= Duration::zero()) {
        return unexpected(Failure{RequestOutcome::timed_out});
    }
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    const timeval wait{.tv_sec = seconds.count(), .tv_usec = static_cast<suseconds_t>((left - seconds).count())};
    if (setsockopt(socket, SOL_SOCKET, option, &wait, sizeof wait) != 0) {
        return unexpected(Failure{RequestOutcome::no_socket, errno});
    }
    return {};
}

/// Calls `step`, which is one operation on the socket, and repeats it if a signal interrupts it. Also repeats it if the
/// kernel's timeout expires before `deadline`, which may happen up to one tick early.
template <class Step>
std::expected<ssize_t, Failure> within(int socket, int option, MonotonicTime deadline, RequestOutcome otherwise,
                                       Step step) noexcept {
    for (;;) {
        if (Done limited = limit_wait(socket, option, deadline); !limited) {
            return unexpected(limited.error());
        }
        const ssize_t result = step();
        if (result >= 0) {
            return result;
        }
        if (errno != EINTR && errno != EAGAIN) {
            return unexpected(Failure{otherwise, errno});
        }
    }
}

std::expected<ssize_t, Failure> receive(int fd, std::span<std::byte> reply, MonotonicTime deadline) noexcept {
    // With MSG_TRUNC, recv(2) returns the length of the packet even if the buffer is smaller. A reply that is too long
    // is thereby detected.
    return within(fd, SO_RCVTIMEO, deadline, RequestOutcome::hung_up,
                  [&]() noexcept { return recv(fd, reply.data(), reply.size(), MSG_TRUNC); });
}

std::expected<std::size_t, Failure> exchange(const sockaddr_un& address, std::span<const std::byte> frame,
                                             std::span<std::byte> reply, MonotonicTime deadline) noexcept {
    const UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (!socket) {
        return unexpected(Failure{RequestOutcome::no_socket, errno});
    }
    const int fd = socket.get();
    auto step = within(fd, SO_SNDTIMEO, deadline, RequestOutcome::no_daemon, [&]() noexcept -> ssize_t {
        return connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    });
    if (step) {
        step = within(fd, SO_SNDTIMEO, deadline, RequestOutcome::hung_up,
                      [&]() noexcept { return send(fd, frame.data(), frame.size(), MSG_NOSIGNAL); });
    }
    if (step) {
        step = receive(fd, reply, deadline);
    }
    if (step && static_cast<std::size_t>(*step) <= reply.size()) {
        // A daemon that is alive and needs more time sends a `wait` frame, which extends the deadline. This frame is
        // accepted once per attempt.
        if (const auto wait = wire::decode_wait(reply.first(static_cast<std::size_t>(*step)))) {
            const MonotonicTime longer = monotonic_now() + std::chrono::milliseconds(wait->more_ms);
            step = receive(fd, reply, std::max(deadline, longer));
        }
    }
    if (!step && step.error().ending == RequestOutcome::hung_up) {
        // An overloaded daemon replies without reading the request. The kernel then reports the lost request as an
        // error before it delivers the reply (net/unix/af_unix.c, unix_release_sock). Therefore the reply is read after
        // the error.
        if (const ssize_t late = recv(fd, reply.data(), reply.size(), MSG_TRUNC | MSG_DONTWAIT); late > 0) {
            step = late;
        }
    }
    if (!step) {
        return unexpected(step.error());
    }
    const auto size = static_cast<std::size_t>(*step);
    if (size == 0) {
        return unexpected(Failure{RequestOutcome::hung_up});
    }
    if (size > reply.size()) {
        return unexpected(Failure{RequestOutcome::unreadable});
    }
    return size;
}

} // namespace

std::expected<Reply, Failure> call(const char* path, std::span<const std::byte> frame, std::span<std::byte> reply,
                                   Duration budget, unsigned tries) noexcept {
    const MonotonicTime deadline = monotonic_now() + budget;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path, std::min(std::strlen(path), sizeof address.sun_path - 1));
    for (unsigned tried = 1;; ++tried) {
        const auto size = exchange(address, frame, reply, deadline);
        if (size) {
            return Reply{*size, tried};
        }
        if (size.error().ending != RequestOutcome::hung_up || tried >= tries) {
            return unexpected(size.error());
        }
    }
}

} // namespace sesslimit::pam
