// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"

#include <optional>
#include <string>

namespace sesslimit::inspect {

/// Returns the time without input on the terminal of a logind session that logind is stopping. Returns nothing if
/// logind is not stopping the session, or does not know a terminal of it. The state and the terminal are those that
/// logind stores in /run/systemd/sessions, and the time of the input is the atime of the terminal (terminals.hpp), as
/// logind determines it. Reads only small files in memory.
std::optional<Duration> idle_if_stopping(const std::string& logind_id);

} // namespace sesslimit::inspect
