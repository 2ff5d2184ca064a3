// SPDX-License-Identifier: MIT
#include "daemon/policy/template.hpp"

#include <algorithm>

namespace sesslimit::policy {
namespace {

/// A part of a message template, which is plain text, an escaped brace, a placeholder, or an unmatched brace.
struct Piece {
    enum class Kind : std::uint8_t { plain, brace, name, not_closed, stray };
    Kind kind = Kind::plain;
    std::string_view written; ///< the text of the part in the template, including braces; never empty
};

/// Returns the first part of a message template, such as a placeholder or the text before it. `rest` is the template
/// without the parts that were already returned, and must not be empty.
Piece next_piece(std::string_view rest) {
    constexpr std::string_view braces = "{}";
    const std::size_t plain = std::min(rest.find_first_of(braces), rest.size());
    if (plain > 0) {
        return {Piece::Kind::plain, rest.substr(0, plain)};
    }
    if (rest.size() > 1 && rest[1] == rest[0]) {
        return {Piece::Kind::brace, rest.substr(0, 2)};
    }
    if (rest[0] == '}') {
        return {Piece::Kind::stray, rest.substr(0, 1)};
    }
    const std::size_t end = rest.find_first_of("{}\n", 1);
    if (end == std::string_view::npos || rest[end] != '}') {
        return {Piece::Kind::not_closed, rest.substr(0, 1)};
    }
    return {Piece::Kind::name, rest.substr(0, end + 1)};
}

std::string_view name_in(const Piece& piece) {
    return piece.written.substr(1, piece.written.size() - 2);
}

void append(std::string& text, const Piece& piece, const TemplateValues& values) {
    const auto value = piece.kind == Piece::Kind::name ? values.find(name_in(piece)) : values.end();
    if (value != values.end()) {
        text += value->second;
    } else {
        text += piece.kind == Piece::Kind::brace ? piece.written.substr(1) : piece.written;
    }
}

/// Truncates a text to at most `limit` bytes, without splitting a UTF-8 character. A truncated text ends with "..." if
/// `limit` is 3 or more.
void cut(std::string& text, std::size_t limit) {
    constexpr std::string_view dots = "...";
    if (text.size() <= limit) {
        return;
    }
    const bool room = limit >= dots.size();
    std::size_t size = room ? limit - dots.size() : limit;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) {
        --size;
    }
    text.resize(size);
    text += room ? dots : "";
}

} // namespace

std::vector<TemplateFault> faults_of(std::string_view text, std::span<const std::string_view> placeholders) {
    std::vector<TemplateFault> faults;
    for (std::size_t at = 0; at < text.size();) {
        const Piece piece = next_piece(text.substr(at));
        if (piece.kind == Piece::Kind::name) {
            if (std::find(placeholders.begin(), placeholders.end(), name_in(piece)) == placeholders.end()) {
                faults.push_back({TemplateFault::Kind::unknown, at + 1, name_in(piece)});
            }
        } else if (piece.kind == Piece::Kind::not_closed) {
            faults.push_back({TemplateFault::Kind::not_closed, at, {}});
        } else if (piece.kind == Piece::Kind::stray) {
            faults.push_back({TemplateFault::Kind::stray, at, {}});
        }
        at += piece.written.size();
    }
    return faults;
}

std::string expand(std::string_view text, const TemplateValues& values, std::size_t limit) {
    std::string expanded;
    while (!text.empty() && expanded.size() <= limit) {
        const Piece piece = next_piece(text);
        append(expanded, piece, values);
        text.remove_prefix(piece.written.size());
    }
    cut(expanded, limit);
    return expanded;
}

} // namespace sesslimit::policy
