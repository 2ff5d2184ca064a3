// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/remote.hpp"

#include <string>
#include <string_view>

namespace sesslimit::ctl {

/// The exit status of the command; sesslimitctl(1) has the same table.
enum class Exit : int { ok = 0, failed = 1, usage = 2, not_found = 3, not_allowed = 4 };

/// The failure that a D-Bus error stands for. `name` and `message` are as they came.
Failure failure_of(std::string_view name, std::string_view message);

/// The failure in words for its reader, and what to do about it; one line, but for a rejected policy.
std::string words_of(const Failure& failure);

Exit exit_of(Failure::Kind kind);

} // namespace sesslimit::ctl
