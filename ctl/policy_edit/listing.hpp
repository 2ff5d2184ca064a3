// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/policy_edit/edit.hpp"
#include "daemon/policy/load.hpp"

#include <optional>
#include <string>
#include <vector>

/// The settings and rules of policy files as written. The functions are pure. They ignore texts that are not valid
/// TOML.
namespace sesslimit::policy_edit {

/// A key in a [defaults] or [[rule]] table, with its value and location.
struct WrittenSetting {
    Key key;
    policy::Node value;
    std::string file;
    std::uint32_t line = 0;
};

/// A rule, with the location of its header.
struct WrittenRule {
    std::string name;
    policy::Tier tier = policy::Tier::host;
    std::string file;
    std::uint32_t line = 0;
    std::vector<WrittenSetting> match;    ///< keys under `match`
    std::vector<WrittenSetting> settings; ///< all other keys except `name`
};

/// Returns the rules of all files, in the order of the files and their lines.
std::vector<WrittenRule> written_rules(const std::vector<policy::SourceText>& texts);

/// Returns the keys of [defaults] in the host tier. Of a key that several files set, only the last one is returned,
/// because it overrides the others.
std::vector<WrittenSetting> written_defaults(const std::vector<policy::SourceText>& texts);

} // namespace sesslimit::policy_edit
