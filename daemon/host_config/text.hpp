// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Parsing helpers for the configuration files of logind, sshd, PAM and the shells.
namespace sesslimit::host_config {

/// A line of a configuration file. Its text is not escaped, and must be displayed through
/// sesslimit::escape_for_display() only.
struct Line {
    std::string file;
    std::uint32_t number = 0; ///< Line number from 1, or 0 for the whole file.
    std::string text;
    bool operator==(const Line&) const = default;
};

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

} // namespace sesslimit::host_config
