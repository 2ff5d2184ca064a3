// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sesslimit {

/// Escapes text from an untrusted source for display on a terminal, in a log line or in a message. Printable ASCII and
/// visible, well-formed UTF-8 characters are kept. Control characters, invisible and bidirectional format characters,
/// malformed UTF-8 and the backslash become \xHH for each byte. The result is one line, because newlines are escaped,
/// too. It has at most `limit` bytes, and ends with "..." if it is truncated.
std::string escape_for_display(std::string_view text, std::size_t limit = 256);

/// Returns the offset of the first byte of `text` that is not well-formed UTF-8 (RFC 3629), or npos if the whole text
/// is well-formed.
std::size_t malformed_at(std::string_view text) noexcept;

/// Returns true for the ASCII digits 0 to 9.
constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

} // namespace sesslimit
