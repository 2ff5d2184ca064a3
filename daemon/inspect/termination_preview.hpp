// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/session.hpp"
#include "daemon/inspect/cgroup_paths.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace sesslimit::inspect {

/// Preview of the termination of a session: the processes that are terminated, and those of its user that continue.
struct TerminationPreview {
    std::size_t processes = 0;            ///< number in its scope (processes.hpp); all of them are terminated
    std::vector<std::string> commands;    ///< their names, sorted, without duplicates
    std::vector<std::string> multiplexed; ///< names of those that keep_multiplexer would preserve; likewise
    /// Units of the user outside of all sessions that have running processes. They are units of their service manager
    /// (systemd-run --user), and scopes of multiplexers that were preserved earlier. Sorted.
    std::vector<std::string> units;
    bool lingers = false; ///< loginctl enable-linger: their service manager runs on after the last session
};

/// Maximum number of entries in each list of names or units.
inline constexpr std::size_t max_listed = 32;

/// Inspects the session's scope, the slice of its user, and logind's list of users with lingering.
TerminationPreview termination_preview_of(const core::Session& session, const SysPaths& roots = {});

} // namespace sesslimit::inspect
