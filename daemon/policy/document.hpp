// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

/// A TOML text as our own values, each with its place. Only toml_text.cpp knows the parser behind it.
namespace sesslimit::policy {

/// A place in a text: line and column from 1, the column in bytes; 0 where it is about all of it.
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
    SourceLocation at;          ///< its first byte; of a table: its header, or the first key that made it
    bool truth = false;         ///< boolean
    std::int64_t number = 0;    ///< integer; one that does not fit stays at the nearest that does
    std::string text;           ///< text: any bytes, NUL among them
    std::vector<Node> items;    ///< list
    std::vector<Entry> entries; ///< table: in the order of their places
};

struct Entry {
    std::string key;
    SourceLocation key_at; ///< of the key's own name: the "user" of "match.user"
    Node value;
};

/// Why a text is no TOML.
struct SyntaxError {
    SourceLocation at;
    std::string what; ///< a sentence of ours, safe to show
};

/// The lines of a text, without what ends them. Views live as long as the text.
std::vector<std::string_view> lines_of(std::string_view text);

/// The text's values, or the first place where it is no TOML. Bounds, of which beyond is an error too: lines of 32 KiB,
/// 20,000 values, 32 levels. `lines` are lines_of(text), views into it. Throws nothing but std::bad_alloc.
std::expected<Node, SyntaxError> parse_document(std::string_view text, const std::vector<std::string_view>& lines);

/// What must be settled before a text is given to a parser that recurses and copies lines: control bytes, the length of
/// lines, the depth of brackets and of dotted keys. Says the first that is wrong.
std::expected<void, SyntaxError> check_shape(std::string_view text);

} // namespace sesslimit::policy
