// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace sesslimit {

/// An error in the text of a time span.
struct SpanError {
    enum class Kind {
        empty,        ///< Error: the text is empty or contains only blanks.
        not_a_number, ///< Error: a character other than a digit was found at the start of a number.
        unknown_unit, ///< Error: the letters after a number are not a unit of systemd.time(7).
        too_long,     ///< Error: the time span exceeds max_finite_duration (100 years).
    };
    Kind kind{};
    /// Byte offset of the error in the text of the time span.
    std::size_t at = 0;
};

/// The longest time span that parse_span() accepts, which is 100 years of 365.25 days. A longer limit would be
/// equivalent to "unlimited" in practice.
inline constexpr Duration max_finite_duration = std::chrono::seconds(31'557'600LL * 100);

/// Parses a time span in the format of systemd.time(7), such as "90min", "1d 12h", "2h30min" or "500ms". The numbers
/// must be whole and without a sign. A number without a unit is in seconds. The units are us, ms, s, min (or m), h, d,
/// w, M, y and their long forms. Blanks are allowed before and after every number and unit. Returns the sum of all
/// numbers with their units. Does not allocate memory.
std::expected<Duration, SpanError> parse_span(std::string_view text) noexcept;

/// Formats a time span in the format of systemd.time(7), in days, hours, minutes and whole seconds ("1d 12h", "5min",
/// "20s"). A span from 1 ms to below 1 s is formatted in whole milliseconds ("500ms"). Fractions of a second, or of a
/// millisecond if the span is below 1 s, are truncated. Returns "0s" for a negative span and a span below 1 ms, and
/// "unlimited" for unlimited_duration. The result has at most 40 bytes.
std::string format_span(Duration span);

} // namespace sesslimit
