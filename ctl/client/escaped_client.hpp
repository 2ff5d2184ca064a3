// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace sesslimit::ctl {

/// Escapes one line of text from the bus for display, as escape_for_display() does (common/text.hpp), except that
/// backslashes are kept. The daemon uses backslashes to escape its messages and the bytes of names that are not valid
/// UTF-8. A backslash is harmless to a terminal. Calling the function again does not change the result. The result has
/// at most about 4096 bytes.
std::string safe(std::string_view text);

/// Escapes a text of several lines from the bus for display, each line separately. Returns at most 2000 lines.
std::string safe_lines(std::string_view text);

} // namespace sesslimit::ctl
