// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace sesslimit {

/// Why a text is no time span, and where: `at` is the offset of the first byte that does not fit.
struct SpanError {
    enum class Kind {
        empty,        ///< no number at all
        not_a_number, ///< something else where a number must stand
        unknown_unit, ///< letters that are no unit of systemd.time(7)
        too_long,     ///< more than max_finite_duration from this number on
    };
    Kind kind{};
    std::size_t at = 0;
};

/// Longest span that can be written: beyond it an administrator means "unlimited". A year has 365.25 days.
inline constexpr Duration max_finite_duration = std::chrono::seconds(31'557'600LL * 100);

/// A time span as systemd.time(7) writes it: "90min", "1d 12h", "2h30min", "500ms"; a bare number is seconds.
/// Whole numbers only, no sign. Units: us, ms, s, min (or m), h, d, w, M, y and their long forms. Blanks may stand
/// before and after every part. Parts add up. Allocates nothing.
std::expected<Duration, SpanError> parse_span(std::string_view text) noexcept;

/// The span in the same language, in days, hours, minutes and seconds ("1d 12h", "5min", "20s"), in milliseconds below
/// one second ("500ms"); what is smaller is cut off. "0s" for nothing; "unlimited" for unlimited_duration. Negative
/// spans are "0s". At most 40 bytes.
std::string format_span(Duration span);

} // namespace sesslimit
