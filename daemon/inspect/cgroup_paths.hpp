// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/session.hpp"

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace sesslimit::inspect {

/// Where the kernel shows things. Other places in a test.
struct SysPaths {
    std::filesystem::path cgroup = "/sys/fs/cgroup";
    std::filesystem::path proc = "/proc";
    std::filesystem::path sys = "/sys";
    std::filesystem::path dev = "/dev";
    std::filesystem::path linger = "/var/lib/systemd/linger"; ///< loginctl(1), enable-linger: a file a user
};

/// The slice that holds all that is a user's: their sessions' scopes and their service manager (systemd.special(7)).
std::string slice_name(uid_t uid);
std::filesystem::path slice_of(uid_t uid, const SysPaths& roots);

/// Whether it can be the name of a unit of ours to look for, and no way out of the slice.
bool is_unit_name(const std::string& name);

/// The directory of the session's scope in the unified hierarchy, which need not be there. Nothing while it has none.
std::optional<std::filesystem::path> scope_of(const core::Session& session, const SysPaths& roots);

/// The scope beside the session's own to which a multiplexer of it is moved out of the way of its end: named after
/// logind's id and our key, the latter of which is never given twice in a boot.
inline constexpr std::string_view kept_prefix = "sesslimit-kept-";
std::string kept_scope_name(const core::Session& session);

} // namespace sesslimit::inspect
