// SPDX-License-Identifier: MIT
#include "common/text.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace sesslimit {
namespace {

struct Range {
    std::uint32_t first;
    std::uint32_t last;
};

// Non-ASCII characters that are invisible or that move the text around them. These are Unicode's categories Cc, Cf, Co,
// Cn (noncharacters), Zl, Zp, Zs except the plain space, and the property Default_Ignorable_Code_Point (UnicodeData.txt
// and DerivedCoreProperties.txt, Unicode 15). The ranges are sorted.
constexpr Range unseen[] = {
    // First and last code point of each range, and the names of its Unicode characters:
    {0x0080, 0x00A0},    // C1 controls, no-break space
    {0x00AD, 0x00AD},    // Soft hyphen
    {0x034F, 0x034F},    // Combining grapheme joiner
    {0x0600, 0x0605},    // Arabic number signs
    {0x061C, 0x061C},    // Arabic letter mark
    {0x06DD, 0x06DD},    // Arabic end of ayah
    {0x070F, 0x070F},    // Syriac abbreviation mark
    {0x0890, 0x0891},    // Arabic pound and piastre marks
    {0x08E2, 0x08E2},    // Arabic disputed end of ayah
    {0x115F, 0x1160},    // Hangul fillers
    {0x1680, 0x1680},    // Ogham space
    {0x17B4, 0x17B5},    // Khmer inherent vowels
    {0x180B, 0x180F},    // Mongolian selectors
    {0x2000, 0x200F},    // Spaces, zero width, direction marks
    {0x2028, 0x202F},    // Line and paragraph separator, bidirectional embeddings
    {0x205F, 0x206F},    // Mathematical space, word joiner, bidirectional isolates
    {0x3000, 0x3000},    // Ideographic space
    {0x3164, 0x3164},    // Hangul filler
    {0xE000, 0xF8FF},    // Private use
    {0xFDD0, 0xFDEF},    // Noncharacters
    {0xFE00, 0xFE0F},    // Variation selectors
    {0xFEFF, 0xFEFF},    // Byte order mark
    {0xFFA0, 0xFFA0},    // Halfwidth Hangul filler
    {0xFFF0, 0xFFFB},    // Interlinear annotation
    {0xFFFE, 0xFFFF},    // Noncharacters
    {0x110BD, 0x110BD},  // Kaithi number sign
    {0x110CD, 0x110CD},  // Kaithi number sign above
    {0x13430, 0x1343F},  // Egyptian format controls
    {0x1BCA0, 0x1BCA3},  // Shorthand format controls
    {0x1D173, 0x1D17A},  // Musical format controls
    {0xE0000, 0x10FFFF}, // Tags, selectors, private use
};

constexpr bool is_unseen(std::uint32_t code) noexcept {
    if (code < unseen[0].first) {
        return false; // ASCII, so that most texts need no search
    }
    const auto* after = std::upper_bound(std::begin(unseen), std::end(unseen), code,
                                         [](std::uint32_t value, const Range& range) { return value < range.first; });
    return after != std::begin(unseen) && code <= std::prev(after)->last;
}

constexpr std::uint32_t byte_at(std::string_view text, std::size_t at) noexcept {
    return static_cast<unsigned char>(text[at]);
}

/// One character of a text.
struct Character {
    std::size_t length = 0; ///< Length of the character in bytes, or 0 for malformed UTF-8.
    std::uint32_t code = 0;
};

/// Decodes the UTF-8 character at the start of `text`, which must not be empty. Returns length 0 for malformed UTF-8,
/// including overlong forms, surrogates and code points above U+10FFFF (RFC 3629).
Character first_of(std::string_view text) noexcept {
    const std::uint32_t lead = byte_at(text, 0);
    if (lead < 0x80) {
        return {1, lead};
    }
    const std::size_t length = lead >= 0xC2 && lead < 0xE0 ? 2
                               : (lead & 0xF0) == 0xE0     ? 3
                               : (lead & 0xF8) == 0xF0     ? 4
                                                           : 0;
    if (length == 0 || text.size() < length) {
        return {};
    }
    std::uint32_t code = lead & (0x7Fu >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte_at(text, i) & 0xC0) != 0x80) {
            return {};
        }
        code = code << 6 | (byte_at(text, i) & 0x3F);
    }
    constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool well_formed = code >= least[length] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
    return well_formed ? Character{length, code} : Character{};
}

/// Returns true for U+FFFE and U+FFFF, the same code points of the other planes, and U+FDD0 to U+FDEF.
constexpr bool is_noncharacter(std::uint32_t code) noexcept {
    return (code & 0xFFFE) == 0xFFFE || (code >= 0xFDD0 && code <= 0xFDEF);
}

/// Returns the length in bytes of the first character of `text`, or 0 if this character must be escaped for display.
/// `text` must not be empty.
std::size_t showable(std::string_view text) noexcept {
    const auto [length, code] = first_of(text);
    if (code < 0x80) {
        return code >= 0x20 && code != 0x7F && code != '\\' ? length : 0;
    }
    return !is_unseen(code) && !is_noncharacter(code) ? length : 0;
}

constexpr char hex_digits[] = "0123456789abcdef";

void append_escaped(std::string& out, char byte) {
    const auto value = static_cast<unsigned char>(byte);
    out += "\\x";
    out += hex_digits[value >> 4];
    out += hex_digits[value & 0xF];
}

constexpr bool is_control(std::uint32_t code) noexcept {
    return code < 0x20 || (code >= 0x7F && code < 0xA0);
}

void append_json_unit(std::string& out, std::uint32_t unit) {
    out += "\\u";
    for (unsigned shift = 16; shift > 0;) {
        shift -= 4;
        out += hex_digits[unit >> shift & 0xF];
    }
}

/// Returns the text in UTF-8, with \xHH for each byte of malformed UTF-8 and of each character for which `is_escaped`
/// returns true. The result has at most `limit` bytes.
template <class IsEscaped>
std::string escape_if(std::string_view text, std::size_t limit, IsEscaped is_escaped) {
    constexpr std::size_t escaped_length = 4; // \xHH
    std::string out;
    while (!text.empty()) {
        const auto [length, code] = first_of(text);
        const std::string_view character = text.substr(0, std::max<std::size_t>(length, 1));
        const bool is_kept = length > 0 && !is_escaped(code);
        if (character.size() * (is_kept ? 1 : escaped_length) > limit - out.size()) {
            break;
        }
        if (is_kept) {
            out += character;
        } else {
            std::ranges::for_each(character, [&](char byte) { append_escaped(out, byte); });
        }
        text.remove_prefix(character.size());
    }
    return out;
}

} // namespace

std::string as_utf8(std::string_view text, std::size_t limit) {
    return escape_if(text, limit, [](std::uint32_t code) { return code == 0 || is_noncharacter(code); });
}

std::string as_journal_field(std::string_view text) {
    return escape_if(text, text.npos,
                     [](std::uint32_t code) { return is_control(code) || is_unseen(code) || is_noncharacter(code); });
}

std::string escape_json_for_display(std::string_view json) {
    std::string out;
    while (!json.empty()) {
        const auto [length, code] = first_of(json);
        const std::size_t size = std::max<std::size_t>(length, 1);
        if (code < 0x7F || showable(json) > 0) {
            out += json.substr(0, size);
        } else if (code < 0x10000) {
            append_json_unit(out, code);
        } else { // a surrogate pair (RFC 8259)
            append_json_unit(out, 0xD800 + ((code - 0x10000) >> 10));
            append_json_unit(out, 0xDC00 + (code & 0x3FF));
        }
        json.remove_prefix(size);
    }
    return out;
}

std::size_t malformed_at(std::string_view text) noexcept {
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = first_of(text.substr(at)).length;
        if (length == 0) {
            return at;
        }
        at += length;
    }
    return text.npos;
}

std::string escape_for_display(std::string_view text, std::size_t limit) {
    constexpr std::string_view cut_mark = "...";
    const std::size_t room_before_mark = limit > cut_mark.size() ? limit - cut_mark.size() : 0;
    std::string out;
    std::size_t keep = 0; // Length to which `out` is truncated before "..." is appended.
    while (!text.empty()) {
        const std::size_t whole = showable(text);
        if (whole > 0) {
            out += text.substr(0, whole);
        } else {
            append_escaped(out, text.front());
        }
        text.remove_prefix(std::max<std::size_t>(whole, 1));
        if (out.size() <= room_before_mark) {
            keep = out.size();
        }
        if (out.size() > limit) {
            out.resize(keep);
            out += cut_mark.substr(0, limit);
            break;
        }
    }
    return out;
}

std::size_t control_at(std::string_view text, bool allows_lines) noexcept {
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        const bool second = at > 0 && text[at - 1] == '\xC2' && byte >= 0x80 && byte < 0xA0;
        if (second || byte == 0x7F || (byte < 0x20 && !(allows_lines && byte == '\n'))) {
            return second ? at - 1 : at;
        }
    }
    return std::string_view::npos;
}

} // namespace sesslimit
