// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/policy/login.hpp"
#include "daemon/policy/policy.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// Functions and types that explain the effective limits of a login to a human reader. An explanation contains the
/// values that resolve() returns, and for each value the policy file and line that set it. The functions are pure.
namespace sesslimit::policy {

/// The effective value of one setting for a login as text, with the policy file and line that set it.
struct ExplainedSetting {
    /// The key of the setting in the policy, such as "max_sessions".
    std::string name;
    /// The value as written in the policy, without quotation marks. One line of bounded length, escaped for display.
    std::string value;
    /// The [defaults] or [[rule]] table that sets the value. Null if no file sets the value. Lifetime: owned by the
    /// policy.
    const Source* from = nullptr;
    std::uint32_t line = 0; ///< line of the key in its file; 0 if no file sets the value
};

/// A rule of the policy that matches the login.
struct MatchedRule {
    /// The name, file and line of the rule. Never null. Lifetime: owned by the policy.
    const Source* rule = nullptr;
    /// The settings of the rule as text, such as "max_sessions = 3, idle_timeout = 10min". The text is "exempt" for a
    /// rule with `exempt`, and "nothing" for a rule without settings.
    std::string sets;
    /// True if the rule sets at least one of the login's effective limits, or exempts the login.
    bool wins = false;
};

/// The effective limits of a login, and the rules of the policy that match the login.
struct Explanation {
    /// True if the login counts as a session.
    bool counts = false;
    /// One sentence with the reason why the login counts or does not count as a session. Escaped for display.
    std::string why;
    /// All settings with their effective values, in this order: max_sessions, max_sessions_total, max_sessions_fleet,
    /// on_fleet_error, max_duration,
    /// idle_timeout, idle_timeout_no_terminal, idle_activity, on_idle, keep, count_left_behind,
    /// limit_left_behind, warn_before, at_limit, displace_idle, mode, message, announce, quiet, message_of_end.
    ///
    /// max_sessions_total and warn_before have one entry for each line of the policy that sets them for this login,
    /// because all of these values apply.
    ///
    /// If a tier does not set idle_timeout_no_terminal, its idle_timeout is used instead. The entry of
    /// idle_timeout_no_terminal then has the source location of idle_timeout.
    ///
    /// If no file sets message or message_of_end, the entry of this setting has an empty value, and the daemon uses its
    /// built-in text.
    std::vector<ExplainedSetting> settings;
    /// The rules that match the login. Rules of the managed tier (managed.d) are first. Within a tier, the rules are in
    /// the order of the policy files.
    std::vector<MatchedRule> rules;
};

/// Explains which limits of the policy are effective for a login.
Explanation explain(const Policy& policy, const Login& login);

/// Returns the settings of [defaults] with their effective values for logins that match no rule. They are in the order
/// of Explanation::settings, without max_sessions_total, which is not a key of [defaults]. They are followed by one
/// entry of ignore_services for each tier that sets it, because the lists of both tiers apply.
std::vector<ExplainedSetting> explain_defaults(const Policy& policy);

} // namespace sesslimit::policy
