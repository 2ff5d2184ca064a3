// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/policy/document.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

/// Changes of settings in the text of a policy file. All lines that a change does not concern stay as they are,
/// including comments and their order. The functions are pure.
namespace sesslimit::policy_edit {

/// Maximum number of keys that one change may set or remove.
inline constexpr std::size_t max_keys = 64;

/// The key of a setting in a [defaults] or [[rule]] table, or a key under `match` of a rule.
struct Key {
    std::string name;      ///< name without "match."
    bool of_match = false; ///< true for a key under `match`
    bool operator==(const Key&) const = default;
};

/// Returns a key as written in a policy file, such as "max_sessions" or "match.user".
std::string written(const Key& key);

/// A key with its new value, which is a boolean, an integer, a string, or an array of these.
struct Assignment {
    Key key;
    policy::Node value;
};

/// A change of the settings in one table of a policy file.
struct Change {
    std::string rule; ///< name of the [[rule]] to change; empty for [defaults]
    std::vector<Assignment> set;
    std::vector<Key> unset;
    bool remove_rule = false; ///< true if the whole rule is removed; `set` and `unset` must then be empty
};

/// The reason why a text cannot be changed.
struct EditError {
    std::uint32_t line = 0; ///< line of the text, from 1, or 0 for the whole text
    std::string what;       ///< one line without a full stop, escaped for display
};

/// Returns the text of a policy file with a change. The text must be valid TOML, but may be empty.
///
/// - If the key exists, its value is replaced. A comment after the value stays. Comments between the lines of the old
///   value are moved above the key.
/// - Otherwise a line with the key is added after the last key of the table. If the table does not exist, it is added
///   at the end of the text. A missing `version` is added, too.
/// - A removed key takes the comment after its value along. A removed rule takes the comments between its lines along.
///   If [defaults] has no keys any more, and does not contain a comment, it is removed.
/// - A key that has the new value already, and a removed key that does not exist, change nothing.
///
/// The result is parsed again. An error is returned unless its contents are those of `text` with the change. Errors
/// also concern tables and `match` written as inline tables, because they cannot be changed line by line.
std::expected<std::string, EditError> edited(std::string_view text, const Change& change);

} // namespace sesslimit::policy_edit
