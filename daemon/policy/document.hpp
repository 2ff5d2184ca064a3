// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

/// A parsed TOML document. Each value carries its source location. The types do not depend on the TOML parser, which
/// only toml_text.cpp uses.
namespace sesslimit::policy {

/// A source location. Line and column count from 1, the column in bytes. The number 0 means the whole text or the whole
/// line.
struct SourceLocation {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    auto operator<=>(const SourceLocation&) const = default;
};

struct Entry;

/// One TOML value (TOML 1.0).
struct Node {
    enum class Kind : std::uint8_t { boolean, integer, real, text, moment, list, table };
    Kind kind = Kind::table;
    /// Location of the first byte. For a table, location of its header, or of the first key that created the table.
    SourceLocation at;
    bool truth = false;         ///< boolean
    std::int64_t number = 0;    ///< integer; clamped to the nearest value that fits
    std::string text;           ///< text: any bytes, including NUL
    std::vector<Node> items;    ///< list
    std::vector<Entry> entries; ///< table: in the order of their locations
};

/// A key of a table with its value.
struct Entry {
    std::string key;
    SourceLocation key_at; ///< location of the last part of the key: the "user" of "match.user"
    Node value;
};

/// The reason why a text is not valid TOML.
struct SyntaxError {
    SourceLocation at;
    std::string what; ///< a sentence written by the daemon's code, escaped for display
};

/// Returns the lines of a text without their line ends. Lifetime: views into the text.
std::vector<std::string_view> lines_of(std::string_view text);

/// Parses a TOML text. `lines` is lines_of(text). Returns the values, or the first syntax error. Exceeding a bound is
/// an error, too: lines of 32 KiB, 20,000 values, 32 levels. Throws only std::bad_alloc.
std::expected<Node, SyntaxError> parse_document(std::string_view text, const std::vector<std::string_view>& lines);

/// Checks a text before it is passed to a parser that recurses and copies lines. Checks control bytes, the length of
/// lines, and the depth of brackets and of dotted keys. Returns the first error.
std::expected<void, SyntaxError> check_shape(std::string_view text);

} // namespace sesslimit::policy
