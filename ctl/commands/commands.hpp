// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"
#include "ctl/client/daemon_client.hpp"
#include "ctl/client/failure.hpp"
#include "ctl/client/host.hpp"

#include <optional>
#include <string>
#include <vector>

/// The commands of sesslimitctl that call the daemon but do not terminate sessions. Each command calls the daemon,
/// prints to the console and returns the exit status.
namespace sesslimit::ctl {

/// Lists the sessions. If `user` is set, lists only the sessions of that user, who is given as a name or "uid:1001"
/// (common/user_ref.hpp).
Exit list(const std::optional<std::string>& user, Remote& remote, Console& console);
Exit show(const std::vector<std::string>& ids, Remote& remote, Console& console);
Exit explain(const ExplainQuery& question, Remote& remote, Console& console);
Exit reload(Remote& remote, Console& console);
Exit status(Remote& remote, Host& host, Console& console);
Exit watch(Remote& remote, Host& host, Console& console);

/// Prints words for shell completion, one per line. The kind "sessions" prints the ID, a tab and a description of each
/// session. The kinds "users" and "credentials" print the users or credentials that have a session. Prints nothing for
/// an unknown kind. Ignores failures, because a message would appear in the command line that the user is typing.
void complete(const std::string& kind, Remote& remote, Console& console);

} // namespace sesslimit::ctl
