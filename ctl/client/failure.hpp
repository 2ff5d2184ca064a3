// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/client/daemon_client.hpp"

#include <span>
#include <string>
#include <string_view>

namespace sesslimit::ctl {

/// The exit status of the command.
enum class Exit : int { ok = 0, failed = 1, usage = 2, not_found = 3, not_allowed = 4 };

/// What each means, in the order of the numbers: the help and sesslimitctl(1) have the same.
struct ExitMeaning {
    Exit exit;
    std::string_view words;
};
std::span<const ExitMeaning> exit_meanings();

/// The failure that a D-Bus error stands for. `name` and `message` are as they came.
Failure failure_of(std::string_view name, std::string_view message);

/// The failure in words for its reader, and what to do about it; one line, but for a rejected policy.
std::string words_of(const Failure& failure);

Exit exit_of(Failure::Kind kind);

} // namespace sesslimit::ctl
