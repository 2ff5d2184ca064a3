// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/warden/session.hpp"

#include <filesystem>
#include <optional>

namespace sesslimit::watch {

/// Where the kernel shows things. Other places in a test.
struct Roots {
    std::filesystem::path cgroup = "/sys/fs/cgroup";
    std::filesystem::path proc = "/proc";
    std::filesystem::path sys = "/sys";
    std::filesystem::path dev = "/dev";
};

/// The directory of the session's scope in the unified hierarchy, which need not be there. Nothing while it has none.
std::optional<std::filesystem::path> scope_of(const warden::Session& session, const Roots& roots);

} // namespace sesslimit::watch
