// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/watch/terminals.hpp"

#include <string_view>

namespace sesslimit::effects {

/// Writes one notice to a terminal, with a bell and a header, on lines of its own whatever mode the terminal is in.
/// Never waits: what a stuck terminal does not take at once is lost, and is the failure that is returned. Fails too
/// where the terminal has gone, is another one by now, or where its user refuses messages (mesg(1)).
Result<> write_notice(const watch::Terminal& terminal, std::string_view line);

} // namespace sesslimit::effects
