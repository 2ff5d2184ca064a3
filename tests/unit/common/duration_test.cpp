// SPDX-License-Identifier: MIT
#include "common/duration.hpp"
#include "tests/unit/support/cmocka.hpp"

namespace {

using namespace sesslimit;
using namespace std::chrono_literals;
using std::chrono::days;
using Kind = SpanError::Kind;

struct Good {
    std::string_view text;
    Duration span;
};

struct Bad {
    std::string_view text;
    Kind kind;
    std::size_t at;
};

struct Shown {
    Duration span;
    std::string_view text;
};

SESSLIMIT_TEST(parse_span_accepts_systemd_syntax) {
    constexpr Good cases[] = {
        {"0", 0s},
        {"20", 20s},
        {"20s", 20s},
        {"20 s", 20s},
        {"20sec", 20s},
        {"1second", 1s},
        {"2seconds", 2s},
        {"90min", 90min},
        {"5m", 5min},
        {"1minute", 1min},
        {"2 minutes", 2min},
        {"2 h", 2h},
        {"2hours", 2h},
        {"48hr", 48h},
        {"1hour", 1h},
        {"1d 12h", 36h},
        {"1day", 24h},
        {"3days", 72h},
        {"1w", days(7)},
        {"1week", days(7)},
        {"2weeks", days(14)},
        {"1M", Duration(2'629'800s)},
        {"1month", Duration(2'629'800s)},
        {"2months", Duration(2 * 2'629'800s)},
        {"1y", Duration(31'557'600s)},
        {"1year", Duration(31'557'600s)},
        {"100years", max_finite_duration},
        {"500ms", 500ms},
        {"7msec", 7ms},
        {"8us", 8us},
        {"8usec", 8us},
        {"8\xC2\xB5s", 8us},
        {"8\xCE\xBCs", 8us},
        {"2h30min", 150min},
        {"55s500ms", 55'500ms},
        {"300ms20s 5day", days(5) + 20'300ms},
        {"1min 1min", 2min},
        {"  15min\t", 15min},
        {"1h 30", 1h + 30s},
        {"007s", 7s},
        {"36525d", max_finite_duration},
        {"3155760000000000us", max_finite_duration},
    };
    for (const Good& one : cases) {
        const auto span = parse_span(one.text);
        EXPECT(span.has_value() && *span == one.span, one.text);
    }
}

SESSLIMIT_TEST(parse_span_reports_error_position) {
    using namespace std::string_view_literals;
    constexpr Bad cases[] = {
        {"", Kind::empty, 0},
        {"  ", Kind::empty, 2},
        {"min", Kind::not_a_number, 0},
        {"infinity", Kind::not_a_number, 0},
        {"-5min", Kind::not_a_number, 0},
        {"+5min", Kind::not_a_number, 0},
        {"15mn", Kind::unknown_unit, 2},
        {"15 mn", Kind::unknown_unit, 3},
        {"1d 12x", Kind::unknown_unit, 5},
        {"1.5h", Kind::unknown_unit, 1},
        {"5Min", Kind::unknown_unit, 1},
        {"5H", Kind::unknown_unit, 1},
        {"1h, 2min", Kind::unknown_unit, 1},
        {"5m\0"sv, Kind::unknown_unit, 1},
        {"5\xFF", Kind::unknown_unit, 1},
        {"5\n", Kind::unknown_unit, 1},
        {"1h min", Kind::not_a_number, 3},
        {"5min min", Kind::not_a_number, 5},
        {"101y", Kind::too_long, 0},
        {"100y 1us", Kind::too_long, 5},
        {"3155760000000001us", Kind::too_long, 0},
        {"99999999999999999999999999999999999999us", Kind::too_long, 0},
        {"18446744073709551616", Kind::too_long, 0},
        {"9223372036854775807y", Kind::too_long, 0},
    };
    for (const Bad& one : cases) {
        const auto span = parse_span(one.text);
        EXPECT(!span.has_value(), one.text);
        EXPECT(span.error().kind == one.kind, one.text);
        EXPECT(span.error().at == one.at, one.text);
    }
}

SESSLIMIT_TEST(format_span_uses_systemd_syntax) {
    constexpr Shown cases[] = {
        {0s, "0s"},
        {-5s, "0s"},
        {Duration::min(), "0s"},
        {unlimited_duration, "unlimited"},
        {20s, "20s"},
        {5min, "5min"},
        {90min, "1h 30min"},
        {36h, "1d 12h"},
        {days(7), "7d"},
        {days(36525), "36525d"},
        {days(1) + 2h + 3min + 4s, "1d 2h 3min 4s"},
        {500ms, "500ms"},
        {999us, "0s"},
        {1500ms, "1s"},
        {59'999ms, "59s"},
        {unlimited_duration - Duration(1), "106751991d 4h 54s"},
    };
    for (const Shown& one : cases) {
        EXPECT_TEXT(format_span(one.span), one.text);
    }
}

SESSLIMIT_TEST(formatted_span_parses_back) {
    for (Duration span = 1s; span <= max_finite_duration; span = span * 3 + 7s) {
        const auto read = parse_span(format_span(span));
        EXPECT(read.has_value() && *read == span, format_span(span));
    }
}

} // namespace
