// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace sesslimit {

/// An error in a time span.
struct SpanError {
    enum class Kind {
        empty,        ///< a text without a number
        not_a_number, ///< another character instead of a number
        unknown_unit, ///< letters that are not a unit of systemd.time(7)
        too_long,     ///< a number with which the sum exceeds max_finite_duration
    };
    Kind kind{};
    /// Byte offset of the error in the text.
    std::size_t at = 0;
};

/// The longest span that parse_span() accepts. A longer limit is equivalent to "unlimited" in practice. A year has
/// 365.25 days.
inline constexpr Duration max_finite_duration = std::chrono::seconds(31'557'600LL * 100);

/// Parses a time span in the format of systemd.time(7): "90min", "1d 12h", "2h30min", "500ms". A bare number is in
/// seconds. Accepts whole numbers without a sign. Units: us, ms, s, min (or m), h, d, w, M, y and their long forms.
/// Blanks are allowed before and after every part. The parts are added. Does not allocate.
std::expected<Duration, SpanError> parse_span(std::string_view text) noexcept;

/// Formats a span in the format of systemd.time(7), in days, hours, minutes and seconds ("1d 12h", "5min", "20s").
/// Spans below one second are formatted in milliseconds ("500ms"). A remainder below the smallest of these units is
/// truncated. Returns "0s" for zero and for negative spans, and "unlimited" for unlimited_duration. The result has at
/// most 40 bytes.
std::string format_span(Duration span);

} // namespace sesslimit
