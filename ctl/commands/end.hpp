// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"
#include "ctl/client/daemon_client.hpp"
#include "ctl/client/failure.hpp"

#include <string>
#include <vector>

/// The commands of sesslimitctl that terminate sessions. If standard input and standard error are a terminal and
/// confirmation is not turned off, a command shows the sessions and asks the user for confirmation. If the user
/// declines, the command terminates no session. After a failure, a command continues with its next argument. It returns
/// the exit status of the first failure.
namespace sesslimit::ctl {

Exit end_sessions(const std::vector<std::string>& ids, const std::string& message, Remote& remote, Console& console);
Exit end_users(const std::vector<std::string>& users, const std::string& message, Remote& remote, Console& console);
Exit end_credentials(const std::vector<std::string>& fingerprints, const std::string& message, Remote& remote,
                     Console& console);

} // namespace sesslimit::ctl
