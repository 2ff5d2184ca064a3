// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"
#include "ctl/client/failure.hpp"
#include "daemon/policy/load.hpp"

#include <string>
#include <vector>

namespace sesslimit::ctl {

struct CheckRequest {
    std::vector<std::string> files; ///< each is judged alone; none: the directory, as the daemon reads it
    std::string directory = "/etc/sesslimit";
    bool directory_given = false;           ///< somebody named it: then it must be there
    policy::Tier tier = policy::Tier::host; ///< of the files
};

/// Prints every mistake. Exit::failed where one of them is an error.
Exit check(const CheckRequest& request, policy::Names& names, Console& console);

} // namespace sesslimit::ctl
