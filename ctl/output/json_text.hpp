// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace sesslimit::ctl {

/// Returns a JSON value as text that ends in a newline. Characters that a terminal interprets or does not show are
/// escaped (sesslimit::escape_json_for_display), and other characters are unchanged. Strings should be valid UTF-8
/// (sesslimit::as_utf8). Bytes that are not valid UTF-8 are replaced.
std::string json_text(const nlohmann::ordered_json& value, Json json);

} // namespace sesslimit::ctl
