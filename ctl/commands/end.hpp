// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"
#include "ctl/client/failure.hpp"
#include "ctl/client/daemon_client.hpp"

#include <string>
#include <vector>

/// The commands that end sessions. Where there is somebody to ask they first name what will end, and do nothing without
/// a yes. Each goes on after a failure, and its exit is that of the first one.
namespace sesslimit::ctl {

Exit end_sessions(const std::vector<std::string>& ids, Remote& remote, Console& console);
Exit end_users(const std::vector<std::string>& users, Remote& remote, Console& console);
Exit end_credentials(const std::vector<std::string>& fingerprints, Remote& remote, Console& console);

} // namespace sesslimit::ctl
