// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "pam/ending.hpp"

#include <cstddef>
#include <expected>
#include <span>

namespace sesslimit::pam {

/// Maximum number of times that the module sends a request if the daemon closes the connection without a reply. Without
/// this bound, a request that crashes the daemon would crash it repeatedly until the timeout of the module.
inline constexpr unsigned max_tries = 4;

/// A reply from the daemon. Its `size` bytes are at the start of the buffer that the caller provided. `size` is never
/// 0.
struct Reply {
    std::size_t size = 0;
    unsigned tries = 0;
};

/// Sends the request `frame` to the daemon, whose socket is at `path`, and waits for the reply. `path` is absolute and
/// fits sockaddr_un. `budget` (above 0) is the maximum time of all attempts together, including the time until the
/// daemon accepts the connection. `tries` (1 or more) is the maximum number of attempts. In each attempt, the daemon
/// may extend the time once with a `wait` frame. Signals do not end the wait. The function does not raise SIGPIPE.
///
/// The errors of call() are the outcomes no_socket, no_daemon, timed_out and hung_up, and the outcome unreadable if the
/// daemon's reply is longer than the buffer `reply`.
std::expected<Reply, Failure> call(const char* path, std::span<const std::byte> frame, std::span<std::byte> reply,
                                   Duration budget, unsigned tries) noexcept;

} // namespace sesslimit::pam
