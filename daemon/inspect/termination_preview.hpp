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
    std::vector<std::string> commands; ///< names of these processes, sorted, without duplicates
    /// Names of the processes that keep_multiplexer would preserve, sorted, without duplicates.
    std::vector<std::string> multiplexed;
    /// Units of the user outside of all sessions, with running processes, sorted. They are units of the user's service
    /// manager (systemd-run --user), and scopes of multiplexers that were preserved earlier.
    std::vector<std::string> units;
    /// True if the user's service manager continues after the last session (loginctl enable-linger).
    bool lingers = false;
};

/// Maximum number of entries in each list of names or units.
inline constexpr std::size_t max_listed = 32;

/// Inspects the session's scope, the slice of its user, and logind's list of users with lingering.
TerminationPreview termination_preview_of(const core::Session& session, const SysPaths& roots = {});

} // namespace sesslimit::inspect
