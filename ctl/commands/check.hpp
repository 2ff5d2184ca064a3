// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"
#include "ctl/client/failure.hpp"
#include "daemon/policy/load.hpp"

#include <string>
#include <vector>

namespace sesslimit::ctl {

/// The options of the command `sesslimitctl check`.
struct CheckRequest {
    /// Policy files to check, each separately. If the list is empty, the policy directory is checked as the daemon
    /// reads it.
    std::vector<std::string> files;
    std::string directory = "/etc/sesslimit";
    bool directory_given = false;           ///< True if `directory` is from the command line and must exist.
    policy::Tier tier = policy::Tier::host; ///< Tier of the policy to which `files` belong.
    /// Files of which one exists if sesslimit-fleetd is set up: its configuration, and its socket.
    std::vector<std::string> fleet_files = {"/etc/sesslimit/fleet.toml", "/run/sesslimit-fleet.sock"};
};

/// Checks policy files and prints every problem. Returns Exit::failed if one of the problems is an error.
Exit check(const CheckRequest& request, policy::Names& names, Console& console);

} // namespace sesslimit::ctl
