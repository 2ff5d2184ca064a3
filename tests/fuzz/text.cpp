// SPDX-License-Identifier: MIT
// Arbitrary text, escaped for display, and time spans as administrators write them.
#include "common/text.hpp"
#include "common/duration.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace sesslimit::fuzz {
namespace {

/// Reverses the escaping of escape_for_display().
std::string unescaped(std::string_view text) {
    std::string plain;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '\\') {
            must(at + 3 < text.size() && text[at + 1] == 'x', "a backslash begins an escape");
            plain += static_cast<char>(std::strtol(std::string(text.substr(at + 2, 2)).c_str(), nullptr, 16));
            at += 3;
        } else {
            plain += text[at];
        }
    }
    return plain;
}

void is_shown(std::string_view text, std::size_t limit) {
    const std::string safe = escape_for_display(text, limit);
    must(safe.size() <= limit, "no longer than the limit");
    must(is_safe_line(safe), "one line of UTF-8 without control bytes");
    const std::string whole = escape_for_display(text, text.size() * 4);
    must(is_safe_line(whole), "the whole text is safe too");
    must(unescaped(whole) == text, "only the limit loses text");
    must(safe == whole || limit < whole.size(), "text that fits is not cut");
    must(safe == whole || limit < 3 || safe.ends_with("..."), "a cut is marked");
    must(safe == whole || limit < 3 || whole.starts_with(safe.substr(0, safe.size() - 3)),
         "a cut changes nothing else");
}

void is_for_programs(std::string_view text) {
    const std::string utf8 = as_utf8(text);
    must(is_utf8(utf8) && utf8.find('\0') == std::string::npos, "a text that D-Bus accepts");
    must(as_utf8(utf8) == utf8, "valid text is unchanged");
    must(is_safe_line(as_journal_field(text)), "a field of the journal is safe to show");
}

void is_a_span(std::string_view text) {
    const auto span = parse_span(text);
    if (!span) {
        must(span.error().at <= text.size(), "the error position is within the text");
        return;
    }
    must(*span >= Duration{} && *span <= max_finite_duration, "a span is within its bounds");
    const std::string written = format_span(*span);
    must(written.size() <= 40, "a span is short");
    const auto again = parse_span(written);
    must(again && *again <= *span, "a formatted span parses back");
    const Duration step =
        *span < std::chrono::seconds(1) ? Duration(std::chrono::milliseconds(1)) : std::chrono::seconds(1);
    must(*span - *again < step, "and loses less than its last unit");
    must(format_span(*again) == written, "and formats as before");
}

} // namespace

void one_input(std::span<const std::uint8_t> bytes) {
    Input input(bytes);
    const std::size_t limit = input.byte();
    is_shown(text_of(input.rest()), limit);
    is_for_programs(text_of(input.rest()));
    is_a_span(text_of(input.rest()));
}

} // namespace sesslimit::fuzz
