// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/session.hpp"
#include "daemon/inspect/cgroup_paths.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace sesslimit::inspect {

/// How far the end of a session reaches: what is ended with it, and what of its user goes on.
struct TerminationPreview {
    std::size_t processes = 0;            ///< in its scope, processes.hpp: all of them are ended
    std::vector<std::string> commands;    ///< their names, sorted and each once
    std::vector<std::string> multiplexed; ///< the names of those that keep_multiplexer would spare; the same
    /// The user's units outside of every session in which something runs: of their service manager (systemd-run
    /// --user), and scopes of multiplexers that were spared before. Sorted.
    std::vector<std::string> units;
    bool lingers = false; ///< loginctl enable-linger: their service manager goes on after the last session
};

/// Of names and units no more than that many are told.
inline constexpr std::size_t max_listed = 32;

/// Looks at the session's scope, its user's slice and logind's list of those who linger.
TerminationPreview termination_preview_of(const core::Session& session, const SysPaths& roots = {});

} // namespace sesslimit::inspect
