// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

namespace sesslimit::inspect {

/// Returns true for errors of resource exhaustion (EMFILE, ENFILE, ENOMEM). They do not show whether the file exists.
bool keeps_from_telling(int error) noexcept;

/// Reads a file of the kernel (/proc, /sys, control groups), at most `most` bytes. Returns nothing if the file does not
/// exist, no longer exists, or cannot be read for another reason.
/// Errors: EMFILE, ENFILE, ENOMEM. The object that the file describes must then not be treated as gone.
Result<std::optional<std::string>> read_kernel_file(const std::filesystem::path& path, std::size_t most);

} // namespace sesslimit::inspect
