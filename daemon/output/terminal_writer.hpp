// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/inspect/terminals.hpp"

#include <cstddef>
#include <string_view>

namespace sesslimit::output {

/// Maximum length of a notice on a terminal in bytes. Longer notices are truncated, so that one write(2) is sufficient.
/// The kernel writes to terminals in pieces of this size (iterate_tty_write in the kernel's drivers/tty/tty_io.c).
inline constexpr std::size_t max_notice_length = 2048;

/// Writes one notice to a terminal, with a bell. The notice does not share a line with other output, in any mode of the
/// terminal. `text` consists of lines separated by newlines, and must be escaped for display. Control bytes other than
/// newlines are removed.
///
/// Never blocks. Output that a blocked terminal does not accept immediately is lost, and an error is returned. Errors:
/// the terminal no longer exists, its name now belongs to another terminal or user, or the user rejects messages
/// (mesg(1)).
Result<> write_notice(const inspect::Terminal& terminal, std::string_view text);

/// Restarts output that the user has stopped with Ctrl-S. Does nothing if the terminal cannot be opened. A notice that
/// is written immediately afterwards is lost if a process was blocked by the stop, because that process writes first.
///
/// systemd 252 resets a virtual terminal after the exit of its getty with a write that blocks while output is stopped.
/// If a process of the terminated session still has the terminal open, so that it stays stopped, PID 1 no longer
/// answers.
void restart_output(const inspect::Terminal& terminal);

} // namespace sesslimit::output
