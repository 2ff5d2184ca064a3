// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"
#include "ctl/client/failure.hpp"
#include "ctl/commands/drop_in_change.hpp"

#include <string>
#include <vector>

namespace sesslimit::ctl {

/// The options of the commands set and unset.
struct SetRequest {
    std::vector<std::string> words; ///< KEY=VALUE for set, KEY for unset
    std::string rule;               ///< name of the rule to change; empty for [defaults]
    std::vector<std::string> match; ///< KEY=VALUE for set, KEY for unset; keys under `match` of the rule
    std::string directory = "/etc/sesslimit";
    bool reload = true;   ///< true if the daemon reads this directory, and must load the changed policy
    bool dry_run = false; ///< true if nothing is written
};

/// Changes settings in policy.d/90-set.toml of the policy directory (ctl/client/drop_in.hpp). The complete policy is
/// checked before the file is written. If the daemon rejects the new policy, the old file is restored. Each changed
/// setting of the daemon's policy is logged to the journal. Prints each change with its effect.
///
/// Returns Exit::failed if a key, a value or the changed policy is not valid, or if the file cannot be changed. The
/// file is then unchanged.
Exit set(const SetRequest& request, const SetTools& tools, Console& console);

/// Removes settings in the same way. Without keys, removes the whole rule.
Exit unset(const SetRequest& request, const SetTools& tools, Console& console);

} // namespace sesslimit::ctl
