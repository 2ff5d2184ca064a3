// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

/// A parsed TOML document, as a tree of values with their locations in the file. The types do not depend on the TOML
/// library toml11, which only toml_text.cpp uses.
namespace sesslimit::policy {

/// A location in a TOML file. Lines are numbered from 1. The column is the number of a byte in its line, from 1. If the
/// line is 0, the location is the whole file. If only the column is 0, the location is the whole line.
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
    /// Location of the first byte of the value in the file. For a table, the location of its header, or of the first
    /// key that created the table.
    SourceLocation at;
    /// The value of a boolean.
    bool truth = false;
    /// The value of an integer. If the TOML library accepts a number that does not fit into 64 bits, this is the
    /// nearest 64-bit number.
    std::int64_t number = 0;
    /// The value of a string. May contain any bytes, including NUL.
    std::string text;
    /// The values of an array.
    std::vector<Node> items;
    /// The keys of a table with their values, in the order of their locations in the file.
    std::vector<Entry> entries;
};

/// A key of a TOML table with its value.
struct Entry {
    std::string key;
    SourceLocation key_at; ///< location of the last part of the key, such as "user" in "match.user"
    Node value;
};

/// The first error in a text that is not valid TOML.
struct SyntaxError {
    SourceLocation at;
    std::string what; ///< error message of the daemon (not of toml11), escaped for display
};

/// Returns the lines of a text without their line ends (LF or CR LF). Lifetime: the lines are views into the text.
std::vector<std::string_view> lines_of(std::string_view text);

/// Parses a TOML text and returns its top-level table, or the first syntax error. A line over 32 KiB, more than 20,000
/// values, and brackets or dotted keys that are nested more than 32 deep are also errors. `lines` must be the result of
/// lines_of(text). Throws only std::bad_alloc.
std::expected<Node, SyntaxError> parse_document(std::string_view text, const std::vector<std::string_view>& lines);

/// Checks a TOML text before it is passed to the TOML library, whose recursive parser could overflow the stack if
/// values are nested too deeply. Errors: control characters except tab, invalid UTF-8, lines over 32 KiB, and brackets
/// or dotted keys that are nested more than 32 deep. Only the first error is returned.
std::expected<void, SyntaxError> check_shape(std::string_view text);

} // namespace sesslimit::policy
