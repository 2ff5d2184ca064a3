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

/// Converts text from an untrusted source to UTF-8 for a program, such as a value on D-Bus or in JSON. Well-formed
/// UTF-8 is kept unchanged, including control characters and the backslash. Other bytes, NUL and the noncharacters of
/// Unicode become \xHH for each byte, because sd-bus rejects messages that contain them. The result has at most `limit`
/// bytes, and is truncated between two characters.
std::string as_utf8(std::string_view text, std::size_t limit = std::string_view::npos);

/// Converts text for a field of the journal. Does the same as as_utf8(), but control and invisible characters
/// become \xHH, too, because journalctl(1) with the option -x inserts fields into texts for the terminal.
std::string as_journal_field(std::string_view text);

/// Returns a JSON text in which DEL, C1 controls, and characters that are invisible or move the text around them are
/// written as \uXXXX, so that a terminal does not interpret them. The value of the JSON text is unchanged. `json` must
/// be valid JSON, in which C0 controls are already escaped.
std::string escape_json_for_display(std::string_view json);

/// Returns the offset of the first byte of `text` that is not well-formed UTF-8 (RFC 3629), or npos if the whole text
/// is well-formed.
std::size_t malformed_at(std::string_view text) noexcept;

/// Returns the offset of the first control character, or npos if the text does not contain one. Control characters are
/// C0, DEL, and C1 (C2 80 to C2 9F in UTF-8). If `allows_lines` is true, LF is not a control character.
std::size_t control_at(std::string_view text, bool allows_lines = false) noexcept;

/// Returns true for the ASCII digits 0 to 9.
constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

} // namespace sesslimit
