// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/inspect/terminals.hpp"

#include <cstddef>
#include <string_view>

namespace sesslimit::output {

/// What is longer is cut, so that one write(2) is enough for it: a terminal is written in pieces of this size
/// (iterate_tty_write in the kernel's drivers/tty/tty_io.c).
inline constexpr std::size_t max_notice_length = 2048;

/// Writes one notice to a terminal, with a bell, on lines of its own whatever mode the terminal is in. `text`: lines
/// parted by newlines, safe to show but for other control bytes, which are left out. Never waits: what a stuck terminal
/// does not take at once is lost, and is the failure that is returned. Fails too where the terminal has gone, is
/// another one by now, or where its user denies messages (mesg(1)).
Result<> write_notice(const inspect::Terminal& terminal, std::string_view text);

} // namespace sesslimit::output
