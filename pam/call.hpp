// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "pam/ending.hpp"

#include <cstddef>
#include <expected>
#include <span>

namespace sesslimit::pam {

/// Maximum number of attempts if the daemon aborts the exchange. Without a bound, a request that crashes the daemon
/// would crash it repeatedly until the budget is used up.
inline constexpr unsigned max_tries = 4;

/// A received reply. Its `size` bytes are at the start of the caller's buffer. `size` is never 0.
struct Reply {
    std::size_t size = 0;
    unsigned tries = 0;
};

/// Sends `frame` to the daemon that listens at `path` (absolute, fits sockaddr_un) and waits for its reply. `budget`
/// (above 0) covers connecting (also to a full queue), sending and waiting in all attempts. `tries` (1 or more) is the
/// maximum number of attempts. A daemon that replies with `wait` gets that much additional time, once per attempt.
/// Signals that interrupt a wait do not consume budget. Raises no signal and leaves no descriptor open.
///
/// Errors: no_socket, no_daemon, timed_out, hung_up, unreadable (the reply is longer than `reply`).
std::expected<Reply, Failure> call(const char* path, std::span<const std::byte> frame, std::span<std::byte> reply,
                                   Duration budget, unsigned tries) noexcept;

} // namespace sesslimit::pam
