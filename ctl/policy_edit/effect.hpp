// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/policy/policy.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The effect that a setting in a policy file has, in view of all other files. The functions are pure.
namespace sesslimit::policy_edit {

/// Maximum number of rules that an effect lists.
inline constexpr std::size_t max_listed_rules = 20;

/// The value of a setting, with the line that sets it.
struct SetValue {
    std::string value;                ///< as text without quotation marks, escaped for display
    std::optional<policy::Tier> tier; ///< absent if no file sets the value
    std::string rule;                 ///< name of the rule, unescaped; empty for [defaults]
    std::string file;                 ///< unescaped
    std::uint32_t line = 0;
};

struct Effect {
    enum class Kind : std::uint8_t {
        in_effect,  ///< The setting determines the value.
        same_value, ///< Another file sets the same value.
        later_file, ///< A later file of the same tier sets the setting in [defaults], too.
        stricter,   ///< The other tier sets a stricter value.
        preferred,  ///< The other tier sets a value that takes precedence, such as a message.
        not_set,    ///< The table does not contain the setting.
    };
    Kind kind = Kind::not_set;
    /// The effective value for logins that match no other rule. Absent for keys that are not settings, such as `exempt`
    /// and the keys under `match`.
    std::optional<SetValue> applies;
    /// For [defaults], the rules that replace its value. For a rule, the rules with a stricter value, which apply to
    /// logins that match both rules. At most max_listed_rules.
    std::vector<SetValue> rules;
    /// The line that sets mode = "observe", if limits are not enforced because of it.
    std::optional<policy::Location> observed_by;
};

/// Returns the effect of a key in a table of one file of the host tier. `file` is the path of the file, and `rule` the
/// name of a rule, or empty for [defaults]. If [defaults] of the file does not contain the key, but that of another
/// file does, the kind is later_file, regardless of the order of the files.
Effect effect_of(const policy::Policy& policy, const std::string& file, const std::string& rule,
                 const std::string& key);

/// Returns the settings of [defaults] with their effective values for logins that match no rule.
std::vector<std::pair<std::string, SetValue>> effective_defaults(const policy::Policy& policy);

} // namespace sesslimit::policy_edit
