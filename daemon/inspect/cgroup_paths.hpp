// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/session.hpp"

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace sesslimit::inspect {

/// Root directories of the system data that the daemon reads. Tests replace them by directories with test data.
struct SysPaths {
    std::filesystem::path cgroup = "/sys/fs/cgroup";
    std::filesystem::path proc = "/proc";
    std::filesystem::path sys = "/sys";
    std::filesystem::path dev = "/dev";
    /// Directory with a file for each user whose service manager runs without a session (loginctl enable-linger).
    std::filesystem::path linger = "/var/lib/systemd/linger";
};

/// The paths of the host.
inline const SysPaths host_paths;

/// Returns the name of a user's systemd slice, user-UID.slice (systemd.special(7)). The slice contains the scopes of
/// the user's sessions and the user's service manager.
std::string slice_name(uid_t uid);

/// Returns the directory of a user's slice in the unified cgroup hierarchy.
std::filesystem::path slice_of(uid_t uid, const SysPaths& roots);

/// Returns true if `name` can be the name of a systemd unit in a slice. If such a name is appended to the directory of
/// the slice, the path does not leave that directory.
bool is_unit_name(const std::string& name);

/// Returns the directory of the session's scope in the unified cgroup hierarchy. The directory need not exist. Returns
/// nothing as long as the session does not have a scope.
std::optional<std::filesystem::path> scope_of(const core::Session& session, const SysPaths& roots);

/// Prefix of the name of the scope for preserved processes. Before a limit terminates a session, tmux and screen are
/// moved to this scope, which is beside the session's own scope. The name also contains logind's session ID and the
/// session key, which is never reused within a boot.
inline constexpr std::string_view kept_prefix = "sesslimit-kept-";
std::string kept_scope_name(const core::Session& session);

} // namespace sesslimit::inspect
