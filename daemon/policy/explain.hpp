// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/policy/login.hpp"
#include "daemon/policy/policy.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// Explains the effective limits to a human reader. Gives the same result as resolve(), with the reasons. Pure.
namespace sesslimit::policy {

/// An effective limit as text, and its source location.
struct ExplainedSetting {
    std::string name; ///< the key: "max_sessions"
    /// As written in the policy, without quotation marks. One line, escaped for display, bounded.
    std::string value;
    const Source* from = nullptr; ///< null if no file set it. Lifetime: owned by the policy
    std::uint32_t line = 0;       ///< line of the key; 0 if no file set it
};

/// A rule that matches the login.
struct MatchedRule {
    const Source* rule = nullptr; ///< never null. Lifetime: owned by the policy
    std::string sets;             ///< "max_sessions = 3, idle_timeout = 10min"; "exempt"; "nothing"
    bool wins = false;            ///< one of the effective limits comes from this rule, or the rule exempts
};

/// The effective limits of a login with their reasons.
struct Explanation {
    bool counts = false;
    std::string why; ///< the reason why such a login counts or does not, one sentence; escaped for display
    /// Every setting, in the order of the language: max_sessions, max_sessions_total, max_duration, idle_timeout,
    /// idle_timeout_no_terminal, idle_activity, on_idle, keep_multiplexer, warn_before, at_limit, mode, message,
    /// announce, message_of_end.
    ///
    /// The settings max_sessions_total and warn_before do not have a single strictest value. They have one entry for
    /// each source location that sets them, with the value set there, and all entries apply. An
    /// idle_timeout_no_terminal that is inherited from the idle_timeout of its tier has the source location of that
    /// key. A message or message_of_end that no file sets is the built-in text, and its value is empty.
    std::vector<ExplainedSetting> settings;
    std::vector<MatchedRule> rules; ///< managed tier first, then in the order of the files
};

/// Explains the effective limits of a login.
Explanation explain(const Policy& policy, const Login& login);

} // namespace sesslimit::policy
