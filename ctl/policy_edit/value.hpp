// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/policy/document.hpp"

#include <expected>
#include <string>
#include <string_view>

namespace sesslimit::policy_edit {

/// Parses a value of the command line. A value that is true, false, a whole number, or starts with a quotation mark or
/// a bracket is a TOML value. Every other value is a string without quotation marks, so that a shell needs no quoting
/// for "max_duration=8h".
///
/// Errors: a message for a value that starts like a TOML value but is not valid, and for values that no setting can
/// have, such as tables and dates.
std::expected<policy::Node, std::string> parse_value(std::string_view text);

/// Returns a boolean, an integer, a string, or an array of these as TOML in one line. Control characters in strings are
/// escaped. parse_value() of the result returns an equal value.
std::string toml_of(const policy::Node& value);

} // namespace sesslimit::policy_edit
