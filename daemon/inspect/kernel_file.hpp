// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

namespace sesslimit::inspect {

/// Whether it was for want of descriptors or of memory that something could not be seen: it may be there all the same.
bool keeps_from_telling(int error) noexcept;

/// What a file of the kernel's says (/proc, /sys, the control groups), at most `most` bytes of it. Nothing where there
/// is no such file, or no longer. Fails where nobody can tell, for want of descriptors or of memory: what was to be
/// seen there must not be taken for gone.
Result<std::optional<std::string>> read_kernel_file(const std::filesystem::path& path, std::size_t most);

} // namespace sesslimit::inspect
