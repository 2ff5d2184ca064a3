// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The texts of `message` and `message_of_end`: what a user reads who is denied, or whose session is ended, with
/// "{name}" where a value goes, and "{{" and "}}" for braces. Pure.
namespace sesslimit::policy {

inline constexpr std::size_t max_message_length = 1024;    ///< bytes, before values are put in
inline constexpr std::size_t max_end_message_length = 512; ///< the same

/// The names that may stand between the braces of `message`:
///   user      whose login it is
///   limit     how many sessions are allowed, as the limit has it that denies
///   open      how many are open that count for that limit
///   reason    why, as the built-in text says it
///   sessions  the list of the user's open sessions, one a line
///   host      where the login comes from
inline constexpr std::array<std::string_view, 6> message_placeholders = {"user",   "limit",    "open",
                                                                         "reason", "sessions", "host"};

/// Those of `message_of_end`:
///   user      whose session it is
///   reason    why it is ended, as the built-in text says it
///   session   its id
///   host      where its login came from
inline constexpr std::array<std::string_view, 4> message_of_end_placeholders = {"user", "reason", "session", "host"};

/// A mistake in a template.
struct TemplateFault {
    enum class Kind : std::uint8_t {
        unknown,    ///< a name that is none of the placeholders
        not_closed, ///< a "{" without its "}" on the same line
        stray,      ///< a "}" without "{"
    };
    Kind kind = Kind::unknown;
    std::size_t at = 0;    ///< byte of the template: of the brace, or of the unknown name
    std::string_view name; ///< unknown: the name, which may be empty. A view into the template
    bool operator==(const TemplateFault&) const = default;
};

/// Every mistake of a template that may have these placeholders, in the order of their places. None: it is good.
std::vector<TemplateFault> faults_of(std::string_view text, std::span<const std::string_view> placeholders);

/// Values by the name of their placeholder. They are put in as they are: whoever makes them escapes them.
using TemplateValues = std::map<std::string_view, std::string>;

/// The template with its values put in; mistakes, and names without a value, stay as they are written. At most `limit`
/// bytes: a text that is longer ends at a whole character of UTF-8 and, where `limit` is 3 or more, with "...".
std::string expand(std::string_view text, const TemplateValues& values, std::size_t limit);

} // namespace sesslimit::policy
