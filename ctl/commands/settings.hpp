// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"
#include "ctl/client/failure.hpp"
#include "daemon/policy/load.hpp"

#include <string>
#include <vector>

namespace sesslimit::ctl {

/// The options of the commands get, rules and defaults.
struct SettingsRequest {
    std::vector<std::string> keys; ///< keys that get prints; empty for all keys
    std::string rule;              ///< name of the rule for get; empty for [defaults]
    std::string directory = "/etc/sesslimit";
};

/// The commands that show the policy files without the daemon. They print the errors of the policy and return
/// Exit::failed if it has any.

/// Prints settings of the host tier as written in the files. Returns Exit::failed if a requested key is not set.
Exit get(const SettingsRequest& request, policy::Names& names, Console& console);
/// Prints all rules of both tiers.
Exit rules(const SettingsRequest& request, policy::Names& names, Console& console);
/// Prints the effective values of [defaults].
Exit defaults(const SettingsRequest& request, policy::Names& names, Console& console);

/// Prints words for shell completion, one per line. Returns false if the kind is none of the following:
/// - "settings" and "matches": the keys of all settings, and those under `match`
/// - "settings-values" and "matches-values": the same with values, as "KEY=VALUE"
/// - "rules": the names of the rules in policy.d/90-set.toml
/// - "host-rules": the names of all rules of the host tier
bool complete_settings(const std::string& kind, const std::string& directory, Console& console);

} // namespace sesslimit::ctl
