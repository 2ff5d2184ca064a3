// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/native.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// How the configuration files of other tools are taken apart.
namespace sesslimit::audit {

/// Each line of a file's text, without its line end.
void for_each_line(const std::string& file, std::string_view text, const std::function<void(const Line&)>& then);

/// Without blanks, tabs and carriage returns at both ends.
std::string_view trimmed(std::string_view text);

std::vector<std::string> words_of(std::string_view text);

/// Without the quotation marks, double or single, around it.
std::string unquoted(std::string_view text);

/// A decimal number that is all of the text.
std::optional<std::uint64_t> number_in(std::string_view text);

} // namespace sesslimit::audit
