// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sesslimit {

/// Escapes text from outside for display on a terminal, in a log line or in a message. Printable ASCII and well-formed
/// UTF-8 letters are kept. Control bytes (C0, DEL, C1), malformed UTF-8, bidirectional and other invisible format
/// characters and the backslash become \xHH for each byte. Returns at most `limit` bytes. A truncated text ends with
/// "...". One line of input gives one line of output.
std::string escape_for_display(std::string_view text, std::size_t limit = 256);

/// Returns the offset of the first byte that is not well-formed UTF-8 (RFC 3629), or npos if the whole text is
/// well-formed.
std::size_t malformed_at(std::string_view text) noexcept;

} // namespace sesslimit
