// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

namespace sesslimit::inspect {

/// Returns true for errors of resource exhaustion (EMFILE, ENFILE, ENOMEM). If opening or reading a file fails with
/// such an error, it is unknown whether the file exists.
bool keeps_from_telling(int error) noexcept;

/// Reads at most `most` bytes of a file that the kernel provides (/proc, /sys, control groups). Returns nothing if the
/// file does not exist, no longer exists, or cannot be read for another reason. Errors: EMFILE, ENFILE, ENOMEM. After
/// an error, the caller must not assume that the process or control group of the file is gone.
Result<std::optional<std::string>> read_kernel_file(const std::filesystem::path& path, std::size_t most);

} // namespace sesslimit::inspect
