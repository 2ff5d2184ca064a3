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

/// The templates `message` and `message_of_end` of the policy. A user sees `message` when a login is denied, and
/// `message_of_end` when a session is terminated. "{name}" is a placeholder, and "{{" and "}}" are escaped braces. The
/// functions are pure.
namespace sesslimit::policy {

/// Maximum length of the template `message` in bytes, before its placeholders are replaced by values.
inline constexpr std::size_t max_message_length = 1024;
/// Maximum length of the template `message_of_end` in bytes, before its placeholders are replaced by values.
inline constexpr std::size_t max_end_message_length = 512;

/// The placeholders of the template `message`, which is shown to a user whose login is denied:
///     user      the name of the user
///     limit     the number of sessions that the reached limit permits
///     open      the number of the user's sessions that count towards max_sessions
///     reason    the reason for the denial, in the words of the built-in text
///     sessions  the list of the user's open sessions, one per line
///     host      the origin of the login
inline constexpr std::array<std::string_view, 6> message_placeholders = {"user",   "limit",    "open",
                                                                         "reason", "sessions", "host"};

/// The placeholders of the template `message_of_end`, which is shown to a user whose session is terminated:
///     user      the name of the user
///     reason    the reason for the termination, in the words of the built-in text
///     session   the session ID
///     host      the origin of the login that opened the session
inline constexpr std::array<std::string_view, 4> message_of_end_placeholders = {"user", "reason", "session", "host"};

/// An error in a message template.
struct TemplateFault {
    enum class Kind : std::uint8_t {
        /// A placeholder whose name is unknown.
        unknown,
        /// A "{" without a "}" on the same line.
        not_closed,
        /// A "}" without a "{" before it.
        stray,
    };
    Kind kind = Kind::unknown;
    /// The byte offset of the unmatched brace or of the unknown name in the template.
    std::size_t at = 0;
    /// The name of the unknown placeholder, which may be empty. Lifetime: a view into the template.
    std::string_view name;
    bool operator==(const TemplateFault&) const = default;
};

/// Returns all errors in a message template, in the order of their offsets. `placeholders` are the valid names of
/// placeholders. Returns an empty list for a valid template.
std::vector<TemplateFault> faults_of(std::string_view text, std::span<const std::string_view> placeholders);

/// The values of the placeholders of a message template, by name. They are inserted unchanged, so the caller must
/// escape them for display.
using TemplateValues = std::map<std::string_view, std::string>;

/// Replaces each placeholder of a message template by its value, "{{" by "{", and "}}" by "}". Placeholders without a
/// value and unmatched braces are copied unchanged. Returns at most `limit` bytes. A longer text is truncated after a
/// whole UTF-8 character and, if `limit` is 3 or more, ends with "...".
std::string expand(std::string_view text, const TemplateValues& values, std::size_t limit);

} // namespace sesslimit::policy
