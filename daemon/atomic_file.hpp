// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"

#include <filesystem>
#include <string_view>

namespace sesslimit {

/// Replaces the file atomically with rename(2). Only root can read it. May block.
Result<> replace_file(const std::filesystem::path& file, std::string_view text);

} // namespace sesslimit
