// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace sesslimit::ctl {

/// One line of text from the bus, made safe to show as escape_for_display() does it (common/text.hpp), about 4096 bytes
/// at most. What the daemon escaped already stays as it is: it leaves no backslash but its own, and a backslash harms
/// no terminal.
std::string safe(std::string_view text);

/// The same of a text of several lines, each of them for itself; at most 2000 lines.
std::string safe_lines(std::string_view text);

} // namespace sesslimit::ctl
