// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/policy/login.hpp"
#include "daemon/policy/policy.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// Why the policy comes to what it comes to, for people: the same answer as resolve(), with its reasons. Pure.
namespace sesslimit::policy {

/// An effective limit, as text, and where it was set.
struct ExplainedSetting {
    std::string name;             ///< the key: "max_sessions"
    std::string value;            ///< as the policy has it, without quotation marks; one line, safe to show, bounded
    const Source* from = nullptr; ///< of the policy, lives as long as that; null: nothing set it
    std::uint32_t line = 0;       ///< of the key; 0 where nothing set it
};

/// A rule that matches the login.
struct MatchedRule {
    const Source* rule = nullptr; ///< never null, lives as long as the policy
    std::string sets;             ///< "max_sessions = 3, idle_timeout = 10min"; "exempt"; "nothing"
    bool wins = false;            ///< one of the effective limits is this rule's, or it exempts
};

struct Explanation {
    bool counts = false;
    std::string why; ///< why such a login counts or does not, one sentence; safe to show
    /// Every setting, in the order of the language: max_sessions, max_sessions_total, max_duration, idle_timeout,
    /// idle_timeout_no_terminal, idle_activity, on_idle, keep_multiplexer, warn_before, at_limit, mode, message,
    /// announce, message_of_end. Two of them add up instead of the strictest winning: max_sessions_total and
    /// warn_before are here once for each place that sets them, with what that place sets, and all of it holds. An
    /// idle_timeout_no_terminal that is the idle_timeout of its tier has the place of that one. A message or
    /// message_of_end that nothing set is the built-in text, and its value is empty.
    std::vector<ExplainedSetting> settings;
    std::vector<MatchedRule> rules; ///< managed tier first, then in the order of the files
};

Explanation explain(const Policy& policy, const Login& login);

} // namespace sesslimit::policy
