// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"
#include "ctl/client/daemon_client.hpp"
#include "ctl/client/failure.hpp"
#include "ctl/client/host.hpp"

#include <optional>
#include <string>
#include <vector>

/// The commands that look and tell. Each asks the daemon, prints to the console and says how the program is to exit.
namespace sesslimit::ctl {

/// `user`: only the sessions of that user (common/user_ref.hpp).
Exit list(const std::optional<std::string>& user, Remote& remote, Console& console);
Exit show(const std::vector<std::string>& ids, Remote& remote, Console& console);
Exit explain(const ExplainQuery& question, Remote& remote, Console& console);
Exit reload(Remote& remote, Console& console);
Exit status(Remote& remote, Host& host, Console& console);
Exit watch(Remote& remote, Console& console);

/// For the shells' completions, a line each: "sessions" (id, tab, what it is), "users" and "credentials" that have a
/// session. Silent about failures: a completion must not write into the command line. An unknown kind has no lines.
void complete(const std::string& kind, Remote& remote, Console& console);

} // namespace sesslimit::ctl
