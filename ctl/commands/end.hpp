// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"
#include "ctl/client/daemon_client.hpp"
#include "ctl/client/failure.hpp"

#include <string>
#include <vector>

/// The commands that terminate sessions. If confirmations are possible, a command first shows the sessions, and does
/// nothing without a confirmation. Each continues after a failure and returns the exit status of the first failure.
namespace sesslimit::ctl {

Exit end_sessions(const std::vector<std::string>& ids, Remote& remote, Console& console);
Exit end_users(const std::vector<std::string>& users, Remote& remote, Console& console);
Exit end_credentials(const std::vector<std::string>& fingerprints, Remote& remote, Console& console);

} // namespace sesslimit::ctl
