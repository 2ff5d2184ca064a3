// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/policy/login.hpp"
#include "daemon/policy/policy.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// The explanation of the effective limits for a human reader. The result is the same as that of resolve(), with the
/// reasons. The functions are pure.
namespace sesslimit::policy {

/// An effective limit as text, and its source location.
struct ExplainedSetting {
    std::string name; ///< the key: "max_sessions"
    /// The value as written in the policy, without quotation marks. It has one line of bounded length, and is escaped
    /// for display.
    std::string value;
    /// Source of the value. Null if no file sets the value. Lifetime: owned by the policy.
    const Source* from = nullptr;
    std::uint32_t line = 0; ///< line of the key; 0 if no file sets the value
};

/// A rule that matches the login.
struct MatchedRule {
    const Source* rule = nullptr; ///< source of the rule; never null. Lifetime: owned by the policy
    std::string sets;             ///< "max_sessions = 3, idle_timeout = 10min"; "exempt"; "nothing"
    bool wins = false;            ///< true if the rule sets one of the effective limits, or exempts the login
};

/// The effective limits of a login with their reasons.
struct Explanation {
    bool counts = false;
    std::string why; ///< the reason for which the login counts or does not count: one sentence, escaped for display
    /// All settings in the order of the policy language: max_sessions, max_sessions_total, max_duration, idle_timeout,
    /// idle_timeout_no_terminal, idle_activity, on_idle, keep_multiplexer, warn_before, at_limit, mode, message,
    /// announce, message_of_end.
    ///
    /// The settings max_sessions_total and warn_before do not have a single strictest value. They have one entry for
    /// each source location, with the value from this location. All entries apply. If idle_timeout_no_terminal is
    /// inherited from the idle_timeout of its tier, it has the source location of idle_timeout. If no file sets message
    /// or message_of_end, the built-in text applies and the value is empty.
    std::vector<ExplainedSetting> settings;
    std::vector<MatchedRule> rules; ///< matching rules, those of the managed tier first, then in the order of the files
};

/// Explains the effective limits of a login.
Explanation explain(const Policy& policy, const Login& login);

} // namespace sesslimit::policy
