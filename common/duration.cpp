// SPDX-License-Identifier: MIT
#include "common/duration.hpp"

#include "common/text.hpp"

#include <cstdint>
#include <utility>

namespace sesslimit {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

struct Unit {
    std::string_view name;
    Duration length;
};

// The units of systemd.time(7), section "Parsing Time Spans". A month has 30.44 days and a year has 365.25 days. Their
// lengths of 2629800 s and 31557600 s are defined in systemd's src/basic/time-util.h.
constexpr Unit units[] = {
    {"usec", Duration(1)},
    {"us", Duration(1)},
    {"\xC2\xB5s", Duration(1)}, // Unit of microseconds, spelled with MICRO SIGN (U+00B5).
    {"\xCE\xBCs", Duration(1)}, // Unit of microseconds, spelled with GREEK SMALL LETTER MU (U+03BC).
    {"msec", milliseconds(1)},
    {"ms", milliseconds(1)},
    {"seconds", seconds(1)},
    {"second", seconds(1)},
    {"sec", seconds(1)},
    {"s", seconds(1)},
    {"minutes", minutes(1)},
    {"minute", minutes(1)},
    {"min", minutes(1)},
    {"m", minutes(1)},
    {"hours", hours(1)},
    {"hour", hours(1)},
    {"hr", hours(1)},
    {"h", hours(1)},
    {"days", days(1)},
    {"day", days(1)},
    {"d", days(1)},
    {"weeks", days(7)},
    {"week", days(7)},
    {"w", days(7)},
    {"months", seconds(2'629'800)},
    {"month", seconds(2'629'800)},
    {"M", seconds(2'629'800)},
    {"years", seconds(31'557'600)},
    {"year", seconds(31'557'600)},
    {"y", seconds(31'557'600)},
};

constexpr bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t';
}

std::size_t skip_blanks(std::string_view text, std::size_t at) noexcept {
    while (at < text.size() && is_blank(text[at])) {
        ++at;
    }
    return at;
}

std::unexpected<SpanError> no_span(SpanError::Kind kind, std::size_t at) noexcept {
    return std::unexpected(SpanError{kind, at});
}

/// Parses the number at offset `at` in the text of a time span, and moves `at` behind the number. Returns
/// max_finite_duration + 1 for every number above max_finite_duration, which is the longest valid time span in
/// microseconds.
std::int64_t take_number(std::string_view text, std::size_t& at) noexcept {
    constexpr std::int64_t too_large = max_finite_duration.count() + 1;
    std::int64_t number = 0;
    for (; at < text.size() && is_digit(text[at]); ++at) {
        number = number * 10 + (text[at] - '0');
        number = number > too_large ? too_large : number;
    }
    return number;
}

/// Parses the unit of a number, such as "min", at offset `at` in the text of a time span, and moves `at` behind the
/// unit. Returns the length of the unit. Returns one second if the number has no unit.
std::expected<Duration, SpanError> take_unit(std::string_view text, std::size_t& at) noexcept {
    std::size_t end = at;
    while (end < text.size() && !is_digit(text[end]) && !is_blank(text[end])) {
        ++end;
    }
    if (end == at) {
        return seconds(1);
    }
    const std::string_view name = text.substr(at, end - at);
    for (const Unit& unit : units) {
        if (unit.name == name) {
            at = end;
            return unit.length;
        }
    }
    return no_span(SpanError::Kind::unknown_unit, at);
}

} // namespace

std::expected<Duration, SpanError> parse_span(std::string_view text) noexcept {
    Duration sum{};
    std::size_t at = skip_blanks(text, 0);
    if (at == text.size()) {
        return no_span(SpanError::Kind::empty, at);
    }
    while (at < text.size()) {
        if (!is_digit(text[at])) {
            return no_span(SpanError::Kind::not_a_number, at);
        }
        const std::size_t number_at = at;
        const std::int64_t number = take_number(text, at);
        at = skip_blanks(text, at);
        const auto unit = take_unit(text, at);
        if (!unit) {
            return unit;
        }
        if (number > (max_finite_duration - sum) / *unit) {
            return no_span(SpanError::Kind::too_long, number_at);
        }
        sum += number * *unit;
        at = skip_blanks(text, at);
    }
    return sum;
}

std::string format_span(Duration span) {
    if (span == unlimited_duration) {
        return "unlimited";
    }
    if (span > Duration(0) && span < seconds(1) && span >= milliseconds(1)) {
        return std::to_string(span / milliseconds(1)) + "ms";
    }
    std::string text;
    for (const auto& [name, length] :
         {Unit{"d", days(1)}, Unit{"h", hours(1)}, Unit{"min", minutes(1)}, Unit{"s", seconds(1)}}) {
        if (span >= length) {
            text += text.empty() ? "" : " ";
            text += std::to_string(span / length);
            text += name;
            span %= length;
        }
    }
    return text.empty() ? "0s" : text;
}

} // namespace sesslimit
