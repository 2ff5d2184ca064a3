// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/client/daemon_client.hpp"

#include <span>
#include <string>
#include <string_view>

namespace sesslimit::ctl {

/// The exit status of sesslimitctl.
enum class Exit : int { ok = 0, failed = 1, usage = 2, not_found = 3, not_allowed = 4 };

/// The meaning of one exit status of sesslimitctl. The function exit_meanings() returns the meanings of all exit
/// statuses in ascending order. The help of sesslimitctl and sesslimitctl(1) contain the same list.
struct ExitMeaning {
    Exit exit;
    std::string_view words;
};
std::span<const ExitMeaning> exit_meanings();

/// Converts a D-Bus error to a failure of a request. `name` and `message` are the unescaped texts of the error.
Failure failure_of(std::string_view name, std::string_view message);

/// Returns a message about the failure of a request and how to fix the problem. The message has one line, except for a
/// rejected policy.
std::string words_of(const Failure& failure);

/// Returns the exit status of sesslimitctl for a failed request to the daemon.
Exit exit_of(Failure::Kind kind);

} // namespace sesslimit::ctl
