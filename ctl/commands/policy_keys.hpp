// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "ctl/policy_edit/edit.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sesslimit::ctl {

/// Returns the keys that `set` can change in [defaults], or in a rule.
std::vector<std::string_view> settable_keys(bool of_rule);

/// Returns the key with this name in [defaults], in a rule, or under `match` of a rule. Errors: the key is unknown or
/// misplaced. The message suggests a similar key.
Result<policy_edit::Key> parse_key(std::string_view name, bool of_rule, bool of_match);

/// Parses "KEY=VALUE". Errors: those of parse_key(), a missing value, and an invalid value.
Result<policy_edit::Assignment> parse_assignment(std::string_view word, bool of_rule, bool of_match);

} // namespace sesslimit::ctl
