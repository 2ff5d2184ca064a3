// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"
#include "ctl/client/daemon_client.hpp"
#include "ctl/client/failure.hpp"
#include "ctl/client/host.hpp"

#include <optional>
#include <string>
#include <vector>

/// The commands that only display information. Each asks the daemon, prints to the console and returns the exit status.
namespace sesslimit::ctl {

/// Lists the sessions. If `user` is set, lists only the sessions of that user (common/user_ref.hpp).
Exit list(const std::optional<std::string>& user, Remote& remote, Console& console);
Exit show(const std::vector<std::string>& ids, Remote& remote, Console& console);
Exit explain(const ExplainQuery& question, Remote& remote, Console& console);
Exit reload(Remote& remote, Console& console);
Exit status(Remote& remote, Host& host, Console& console);
Exit watch(Remote& remote, Console& console);

/// Prints candidates for shell completions, one per line: "sessions" (ID, tab, description), "users" and "credentials"
/// that have a session. Ignores failures, because a completion must not write into the command line. Prints nothing for
/// an unknown kind.
void complete(const std::string& kind, Remote& remote, Console& console);

} // namespace sesslimit::ctl
