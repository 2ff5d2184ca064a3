// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/policy_edit/edit.hpp"

#include <optional>
#include <string_view>

/// Functions on the parsed contents of a policy file (daemon/policy/document.hpp), without regard to their lines.
namespace sesslimit::policy_edit {

/// Returns true if two values are equal. Locations and the order of keys are ignored. The contents of fractional
/// numbers and of dates are not compared, because a node does not contain them.
bool same(const policy::Node& one, const policy::Node& other);

/// Returns the entry with this key, or null. Lifetime: owned by the table.
const policy::Entry* find_entry(const policy::Node& table, std::string_view key);

/// Returns the [defaults] table, or the [[rule]] with this name if `rule` is not empty. Returns null if the table does
/// not exist. Lifetime: owned by the document.
const policy::Node* find_table(const policy::Node& document, std::string_view rule);

/// Returns the entry of a key in a [defaults] or [[rule]] table, or null. Lifetime: owned by the table.
const policy::Entry* find_key(const policy::Node& table, const Key& key);

/// Applies a change to the contents of a policy file. Does nothing if the table of a removed key does not exist.
void apply(policy::Node& document, const Change& change);

/// Removes tables without keys from a document, so that same() ignores them.
void drop_empty_tables(policy::Node& table);

} // namespace sesslimit::policy_edit
