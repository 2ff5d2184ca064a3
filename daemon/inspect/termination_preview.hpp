// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/session.hpp"
#include "daemon/inspect/cgroup_paths.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace sesslimit::inspect {

/// Preview of the termination of a session. It shows which processes would be terminated, and which units of the user
/// would continue.
struct TerminationPreview {
    /// Number of processes in the session's scope, which would be terminated (processes.hpp).
    std::size_t processes = 0;
    /// Names of the processes in the session's scope, sorted, without duplicates.
    std::vector<std::string> commands;
    /// Names of the processes that the setting `keep` would preserve, sorted, without duplicates.
    std::vector<std::string> kept;
    /// Names of the user's units with running processes outside of all sessions, sorted. They are units of the user's
    /// service manager (systemd-run --user), and scopes with programs that were preserved earlier.
    std::vector<std::string> units;
    /// True if the user's service manager continues after the user's last session (loginctl enable-linger).
    bool lingers = false;
};

/// Maximum number of entries in each list of names or units of a TerminationPreview.
inline constexpr std::size_t max_listed = 32;

/// Returns the preview of a session's termination. Inspects the session's scope, the slice of its user, and logind's
/// list of users with lingering (loginctl enable-linger).
/// `keep` contains the names of the programs that the policy preserves.
TerminationPreview termination_preview_of(const core::Session& session, const std::vector<std::string>& keep,
                                          const SysPaths& roots = host_paths);

} // namespace sesslimit::inspect
