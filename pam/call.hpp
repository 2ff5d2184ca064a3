// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "pam/ending.hpp"

#include <cstddef>
#include <expected>
#include <span>

namespace sesslimit::pam {

/// How often an exchange is tried that the daemon broke off. Bounded, for a request that makes a daemon crash would
/// otherwise do so for as long as the budget lasts.
inline constexpr unsigned max_tries = 4;

/// What came back: so many bytes at the start of `reply`, never 0.
struct Reply {
    std::size_t size = 0;
    unsigned tries = 0;
};

/// Sends `frame` to the daemon that listens at `path` (absolute, fits sockaddr_un) and waits for its one answer.
/// `budget` (above 0) is for everything together: connecting, also to a full queue, sending, waiting, trying again up
/// to `tries` times (1 or more) in all; a daemon that answers `wait` is given that much more, once a try. Signals that
/// interrupt a wait cost nothing of it. Raises no signal, leaves no descriptor. Endings: no_socket, no_daemon,
/// timed_out, hung_up, unreadable (an answer longer than `reply`).
std::expected<Reply, Failure> call(const char* path, std::span<const std::byte> frame, std::span<std::byte> reply,
                                   Duration budget, unsigned tries) noexcept;

} // namespace sesslimit::pam
