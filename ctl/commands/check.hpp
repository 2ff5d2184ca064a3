// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"
#include "ctl/client/failure.hpp"
#include "daemon/policy/load.hpp"

#include <string>
#include <vector>

namespace sesslimit::ctl {

/// The options of the check command.
struct CheckRequest {
    /// Files to check, each separately. If empty, the directory is checked as the daemon reads it.
    std::vector<std::string> files;
    std::string directory = "/etc/sesslimit";
    bool directory_given = false;           ///< true if the user named the directory, which must then exist
    policy::Tier tier = policy::Tier::host; ///< tier of the files
};

/// Prints every problem. Returns Exit::failed if one of them is an error.
Exit check(const CheckRequest& request, policy::Names& names, Console& console);

} // namespace sesslimit::ctl
