// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/session.hpp"

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace sesslimit::inspect {

/// Root directories of the system data to read. Tests use other directories.
struct SysPaths {
    std::filesystem::path cgroup = "/sys/fs/cgroup";
    std::filesystem::path proc = "/proc";
    std::filesystem::path sys = "/sys";
    std::filesystem::path dev = "/dev";
    std::filesystem::path linger = "/var/lib/systemd/linger"; ///< contains a file for each lingering user
};

/// Returns the name of a user's slice (systemd.special(7)). The slice contains the scopes of the user's sessions and
/// the user's service manager.
std::string slice_name(uid_t uid);

/// Returns the directory of the slice of a user in the unified hierarchy.
std::filesystem::path slice_of(uid_t uid, const SysPaths& roots);

/// Returns true if `name` can be the name of a unit in a slice. Such a name does not lead out of the directory of the
/// slice.
bool is_unit_name(const std::string& name);

/// Returns the directory of the session's scope in the unified hierarchy. The directory need not exist. Returns nothing
/// while the session does not have a scope.
std::optional<std::filesystem::path> scope_of(const core::Session& session, const SysPaths& roots);

/// Prefix of the name of the scope to which a session's multiplexer is moved before a termination. This scope is beside
/// the session's own scope. The name further contains logind's session ID and the SessionKey. The key is never reused
/// within a boot.
inline constexpr std::string_view kept_prefix = "sesslimit-kept-";
std::string kept_scope_name(const core::Session& session);

} // namespace sesslimit::inspect
