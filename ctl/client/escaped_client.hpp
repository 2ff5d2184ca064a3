// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace sesslimit::ctl {

/// Escapes one line of text from the bus for display, as escape_for_display() does (common/text.hpp). The result has at
/// most about 4096 bytes. Text that the daemon has already escaped is unchanged, because it contains only the daemon's
/// own backslashes, and a backslash is harmless to a terminal.
std::string safe(std::string_view text);

/// Escapes a text of several lines, each line separately. Returns at most 2000 lines.
std::string safe_lines(std::string_view text);

} // namespace sesslimit::ctl
