// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"

#include <optional>
#include <string>

namespace sesslimit::inspect {

/// The state of a logind session for the rule by which logind stops idle sessions.
struct LogindIdle {
    bool is_stopping = false; ///< True if logind is stopping the session.
    Duration idle{};          ///< Time without input on the terminal of the session.
};

/// Returns the state of a logind session. Returns nothing if logind does not know a terminal of the session. The state
/// and the terminal are those that logind stores in /run/systemd/sessions, and the time of the input is the atime of
/// the terminal (terminals.hpp), as logind determines it. Reads only small files in memory.
std::optional<LogindIdle> logind_idle_of(const std::string& logind_id);

} // namespace sesslimit::inspect
