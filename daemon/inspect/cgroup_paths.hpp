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
    std::filesystem::path linger = "/var/lib/systemd/linger"; ///< loginctl(1), enable-linger: one file per user
};

/// Returns the name of the slice of a user, which contains the scopes of their sessions and their service manager
/// (systemd.special(7)).
std::string slice_name(uid_t uid);

/// Returns the directory of the slice of a user in the unified hierarchy.
std::filesystem::path slice_of(uid_t uid, const SysPaths& roots);

/// Returns true if `name` can be the name of a unit in a slice, and does not lead out of the directory of the slice.
bool is_unit_name(const std::string& name);

/// Returns the directory of the session's scope in the unified hierarchy, which need not exist. Returns nothing while
/// the session has no scope.
std::optional<std::filesystem::path> scope_of(const core::Session& session, const SysPaths& roots);

/// Name of the scope, beside the session's own, to which its multiplexer is moved before a termination. The name
/// consists of logind's session ID and our key. The key is never reused within a boot.
inline constexpr std::string_view kept_prefix = "sesslimit-kept-";
std::string kept_scope_name(const core::Session& session);

} // namespace sesslimit::inspect
