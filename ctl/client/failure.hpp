// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/client/daemon_client.hpp"

#include <span>
#include <string>
#include <string_view>

namespace sesslimit::ctl {

/// The exit status of the command.
enum class Exit : int { ok = 0, failed = 1, usage = 2, not_found = 3, not_allowed = 4 };

/// The meaning of each status, in the order of the numbers. The help and sesslimitctl(1) have the same list.
struct ExitMeaning {
    Exit exit;
    std::string_view words;
};
std::span<const ExitMeaning> exit_meanings();

/// Returns the failure for a D-Bus error. `name` and `message` are unescaped.
Failure failure_of(std::string_view name, std::string_view message);

/// Returns a message about the failure and how to fix it. It has one line, except for a rejected policy.
std::string words_of(const Failure& failure);

/// Returns the exit status for a failure.
Exit exit_of(Failure::Kind kind);

} // namespace sesslimit::ctl
