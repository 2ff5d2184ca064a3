// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/native.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Parsing helpers for the configuration files of logind, sshd, PAM and the shells.
namespace sesslimit::audit {

/// Calls `then` for each line of a file's text, without the newline at its end.
void for_each_line(const std::string& file, std::string_view text, const std::function<void(const Line&)>& then);

/// Returns the text without blanks, tabs and carriage returns at both ends.
std::string_view trimmed(std::string_view text);

/// Splits a text into words.
std::vector<std::string> words_of(std::string_view text);

/// Returns the text without the double or single quotation marks around it.
std::string unquoted(std::string_view text);

/// Parses a text as a decimal number. Returns nullopt if the text contains any other character.
std::optional<std::uint64_t> number_in(std::string_view text);

} // namespace sesslimit::audit
