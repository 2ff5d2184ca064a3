// SPDX-License-Identifier: MIT
// Parses TOML texts with the library toml11, which only this file uses. toml11 3.7 and 4.x are supported. They differ
// in their interfaces and in their error messages.
#include "daemon/policy/document.hpp"

#include <toml.hpp>

#include <algorithm>
#include <exception>
#include <sstream>
#include <utility>

namespace sesslimit::policy {
namespace {

constexpr std::size_t max_values = 20'000;

/// Converts an error message of the TOML library toml11 to an error message of the daemon. Recognizes the error by a
/// word in the message of toml11. The word "insert_value", which marks a duplicate key, is searched first, because such
/// a message also contains the key, and the key may be equal to another of the words.
std::string in_our_words(std::string_view title) {
    constexpr std::pair<std::string_view, std::string_view> words[] = {
        {"insert_value", "key or table is already defined"},
        {"utf8", "invalid UTF-8 or Unicode character"},
        {"UTF-8", "invalid UTF-8 or Unicode character"},
        {"escape", "unknown escape sequence; write \\ for a backslash, or enclose the string in single quotes"},
        {"_string", "unterminated string, or a character that is not allowed in a string; write \\ for a backslash"},
        {"separator `=`", "expected \"= value\" after the key"},
        {"separator '='", "missing value after \"=\""},
        {"unknown value", "invalid value; a string must be quoted"},
        {"array-table", "invalid array of tables; write [[name]]"},
        {"array_table", "invalid array of tables; write [[name]]"},
        {"table key", "invalid table header; write [name]"},
        {"inline_table", "invalid inline table; write { key = value, key = value } on one line"},
        {"parse_array", "missing \"]\" or comma in array"},
        {"line format", "unexpected text after the value; write one key per line and quote strings"},
        {"newline", "unexpected text after the value; write one key per line and quote strings"},
        {"date", "invalid date; a time span must be quoted"},
        {"time", "invalid time; a time span must be quoted"},
        {"integer", "invalid number; use digits only, without leading zeros, less than 2^63"},
        {"number", "invalid number; use digits only, without leading zeros"},
        {"float", "invalid number; use digits only, without leading zeros"},
        {"key", "invalid key; use letters, digits, - and _, or a quoted string"},
    };
    for (const auto& [theirs, ours] : words) {
        if (title.find(theirs) != title.npos) {
            return "not valid TOML: " + std::string(ours);
        }
    }
    return "not valid TOML from here on";
}

template <class Number>
std::uint32_t narrowed(Number number) {
    return static_cast<std::uint32_t>(std::min(static_cast<std::uint64_t>(number), std::uint64_t{UINT32_MAX}));
}

#if TOML11_VERSION_MAJOR >= 4

SourceLocation place_of(const toml::source_location& location) {
    return {narrowed(location.first_line_number()), narrowed(location.first_column_number())};
}

SourceLocation place_of(const toml::value& value, const std::vector<std::string_view>&) {
    return place_of(value.location());
}

std::expected<toml::value, SyntaxError> parse(std::string_view text) {
    auto parsed =
        toml::try_parse(std::vector<unsigned char>(text.begin(), text.end()), "policy", toml::spec::v(1, 0, 0));
    if (parsed.is_ok()) {
        return std::move(parsed.unwrap());
    }
    // toml11 continues to parse after a syntax error. Only the first error is reported, because the later ones may be
    // consequences of the first.
    const toml::error_info& first = parsed.unwrap_err().front();
    const SourceLocation at = first.locations().empty() ? SourceLocation{} : place_of(first.locations().front().first);
    return std::unexpected(SyntaxError{at, in_our_words(first.title())});
}

#else

SourceLocation place_of(const toml::source_location& location) {
    return {narrowed(location.line()), narrowed(location.column())};
}

/// Returns the location of a value in the text, computed from the offset of the value. toml11's function
/// value.location() is not used, because it counts the lines from the start of the text for every value, which takes a
/// minute for a file of 1 MiB.
SourceLocation place_of(const toml::value& value, const std::vector<std::string_view>& lines) {
    // The offset of a value is available only in the namespace toml::detail. The namespace may be used, because toml11
    // 3.x will not change any more.
    const auto* region = dynamic_cast<const toml::detail::region*>(toml::detail::get_region(value));
    if (region == nullptr || lines.empty()) {
        return {};
    }
    const auto offset = region->first() - region->begin();
    const auto behind = std::upper_bound(lines.begin(), lines.end(), offset, [&](auto at, std::string_view line) {
        return at < line.data() - lines.front().data();
    });
    if (behind == lines.begin()) {
        return {};
    }
    const auto line = std::prev(behind);
    return {narrowed(std::distance(lines.begin(), behind)),
            narrowed(offset - (line->data() - lines.front().data()) + 1)};
}

std::expected<toml::value, SyntaxError> parse(std::string_view text) {
    try {
        std::istringstream stream{std::string(text)};
        return toml::parse(stream, "policy");
    } catch (const toml::exception& error) {
        // Only the first line of toml11's error message is searched for known words. The next lines are an excerpt from
        // the policy file, which may contain the same words.
        const std::string_view message = error.what();
        return std::unexpected(
            SyntaxError{place_of(error.location()), in_our_words(message.substr(0, message.find('\n')))});
    }
}

#endif

bool is_key_byte(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/// Returns the offset of the end of the key in a line of the form "key = value". `value_at` is the offset of the value
/// in the line, from 0. Returns 0 if the line has another form.
std::size_t key_end(std::string_view line, std::size_t value_at) {
    std::size_t end = line.find_last_not_of(" \t", value_at == 0 ? 0 : value_at - 1);
    if (value_at == 0 || end == line.npos || line[end] != '=' || end == 0) {
        return 0;
    }
    end = line.find_last_not_of(" \t", end - 1);
    return end == line.npos ? 0 : end + 1;
}

/// The conversion of values of the TOML library toml11 to nodes (document.hpp). toml11 provides the locations of
/// values, but not those of keys. The location of a key is therefore searched in the line of its value.
class Conversion {
  public:
    explicit Conversion(const std::vector<std::string_view>& lines) : lines_(lines) {}

    bool too_many() const { return count_ > max_values; }

    Node node(const toml::value& value) {
        Node made;
        made.at = place_of(value, lines_);
        if (++count_ > max_values) {
            return made;
        }
        if (value.is_boolean()) {
            made.kind = Node::Kind::boolean;
            made.truth = value.as_boolean();
        } else if (value.is_integer()) {
            made.kind = Node::Kind::integer;
            made.number = value.as_integer();
        } else if (value.is_floating()) {
            made.kind = Node::Kind::real;
        } else if (value.is_string()) {
            made.kind = Node::Kind::text;
            made.text = text_of(value);
        } else if (value.is_array()) {
            made.kind = Node::Kind::list;
            add_items(made, value);
        } else if (value.is_table()) {
            made.kind = Node::Kind::table;
            add_entries(made, value);
        } else {
            made.kind = Node::Kind::moment;
        }
        return made;
    }

  private:
    static std::string text_of(const toml::value& value) {
#if TOML11_VERSION_MAJOR >= 4
        return value.as_string();
#else
        return value.as_string().str;
#endif
    }

    void add_items(Node& made, const toml::value& value) {
        for (const toml::value& item : value.as_array()) {
            made.items.push_back(node(item));
        }
    }

    void add_entries(Node& made, const toml::value& value) {
        for (const auto& [key, inner] : value.as_table()) {
            Node converted = node(inner);
            const SourceLocation key_at = place_of_key(key, converted);
            made.entries.push_back({key, key_at, std::move(converted)});
        }
        // toml11's tables are unordered. Their keys are therefore sorted by their locations in the file.
        std::sort(made.entries.begin(), made.entries.end(),
                  [](const Entry& a, const Entry& b) { return std::tie(a.key_at, a.key) < std::tie(b.key_at, b.key); });
    }

    SourceLocation place_of_key(const std::string& key, const Node& value) const {
        const SourceLocation at = value.at;
        if (at.line == 0 || at.line > lines_.size() || at.column == 0) {
            return at;
        }
        const std::string_view line = lines_[at.line - 1];
        const std::size_t value_at = std::min<std::size_t>(at.column - 1, line.size());
        std::size_t start = key_end(line, value_at);
        if (start == 0) {
            // toml11 locates a table at the header or dotted key that created it, such as [a.b] or a.b = 1. The key is
            // therefore searched from this location.
            const std::size_t name = line.find(key, value_at);
            return {at.line, name == line.npos ? at.column : narrowed(name + 1)};
        }
        const char last = line[start - 1];
        if (last == '"' || last == '\'') {
            const std::size_t opening = start < 2 ? line.npos : line.rfind(last, start - 2);
            return {at.line, opening == line.npos ? at.column : narrowed(opening + 1)};
        }
        while (start > 0 && is_key_byte(line[start - 1])) {
            --start;
        }
        return {at.line, narrowed(start + 1)};
    }

    const std::vector<std::string_view>& lines_;
    std::size_t count_ = 0;
};

/// Converts a location that the TOML library toml11 reports to a location inside the text. For an error at the end of
/// the file, toml11 may report a line after the last line.
SourceLocation inside(SourceLocation at, const std::vector<std::string_view>& lines) {
    if (at.line == 0 || lines.empty()) {
        return {};
    }
    if (at.line > lines.size()) {
        return {narrowed(lines.size()), narrowed(lines.back().size() + 1)};
    }
    return {at.line, std::min(at.column, narrowed(lines[at.line - 1].size() + 1))};
}

} // namespace

std::expected<Node, SyntaxError> parse_document(std::string_view text, const std::vector<std::string_view>& lines) {
    if (auto shape = check_shape(text); !shape) {
        return std::unexpected(std::move(shape.error()));
    }
    try {
        auto parsed = parse(text);
        if (!parsed) {
            parsed.error().at = inside(parsed.error().at, lines);
            return std::unexpected(std::move(parsed.error()));
        }
        Conversion conversion(lines);
        Node root = conversion.node(*parsed);
        if (conversion.too_many()) {
            return std::unexpected(SyntaxError{{}, "more than 20000 values in one file"});
        }
        return root;
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception&) {
        // An internal error of the TOML library toml11. Its message is not shown, because it describes the
        // implementation of toml11.
        return std::unexpected(SyntaxError{{}, "not valid TOML, at an unknown position"});
    }
}

} // namespace sesslimit::policy
