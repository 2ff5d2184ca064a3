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

/// The texts of `message` and `message_of_end`, which are shown to a user who is denied or whose session is terminated.
/// "{name}" marks a placeholder. "{{" and "}}" are escaped braces. The functions are pure.
namespace sesslimit::policy {

inline constexpr std::size_t max_message_length = 1024;    ///< length in bytes, before values are inserted
inline constexpr std::size_t max_end_message_length = 512; ///< length in bytes, before values are inserted

/// The placeholders of `message`:
///     user      the user of the login
///     limit     the number of allowed sessions of the limit that denies the login
///     open      the number of open sessions that count for that limit
///     reason    the reason, as in the built-in text
///     sessions  the list of the user's open sessions, one per line
///     host      the origin of the login
inline constexpr std::array<std::string_view, 6> message_placeholders = {"user",   "limit",    "open",
                                                                         "reason", "sessions", "host"};

/// The placeholders of `message_of_end`:
///     user      the user of the session
///     reason    the reason of the termination, as in the built-in text
///     session   the session ID
///     host      the origin of the session's login
inline constexpr std::array<std::string_view, 4> message_of_end_placeholders = {"user", "reason", "session", "host"};

/// An error in a template.
struct TemplateFault {
    enum class Kind : std::uint8_t {
        unknown,    ///< an unknown placeholder name
        not_closed, ///< a "{" without its "}" on the same line
        stray,      ///< a "}" without "{"
    };
    Kind kind = Kind::unknown;
    std::size_t at = 0;    ///< byte offset of the brace or of the unknown name in the template
    std::string_view name; ///< unknown name, which may be empty; a view into the template
    bool operator==(const TemplateFault&) const = default;
};

/// Returns all errors of a template with these placeholders, in the order of their offsets. Returns an empty list for a
/// valid template.
std::vector<TemplateFault> faults_of(std::string_view text, std::span<const std::string_view> placeholders);

/// Values by placeholder name. They are inserted unchanged, so the caller must escape them.
using TemplateValues = std::map<std::string_view, std::string>;

/// Expands the template. Errors, and names without a value, are left as written. Returns at most `limit` bytes. A
/// longer text is truncated after a whole UTF-8 character and, if `limit` is 3 or more, ends with "...".
std::string expand(std::string_view text, const TemplateValues& values, std::size_t limit);

} // namespace sesslimit::policy
