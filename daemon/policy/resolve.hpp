// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/policy/login.hpp"
#include "daemon/policy/policy.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sesslimit::policy {

struct Origin; // daemon/policy/match.hpp

/// Returns the effective limits for a login. Pure and total.
///
/// In each tier every matching rule applies, and for each setting the strictest value wins. That is the lowest number
/// or the shortest time. For the other settings it is the first in the order of the enumerations in policy.hpp, and for
/// warn_before the union. [defaults] provides the settings that no matching rule sets. If neither sets
/// idle_timeout_no_terminal, it is the tier's resulting idle_timeout. A matching rule with `exempt` lifts its own tier,
/// including the defaults. Of the two tiers the stricter value wins, setting by setting. If the values are equal, the
/// managed tier wins, then the earlier one.
///
/// Three settings have no strictest value. Every max_sessions_total of both tiers applies. The message is the one that
/// belongs to the max_sessions that won:
/// - If a rule set the number, it is that rule's message.
/// - If [defaults] set it, it is that of the first matching rule of the same tier that has one, else that of
///   [defaults].
/// - If such a message does not exist, or if no number won, it is that of the first matching rule that has one, else
/// that of
///   [defaults], each time with the managed tier first.
/// The message_of_end is always chosen in the last of these ways.
Limits resolve(const Policy& policy, const Login& login);

/// Returns true if these limits restrict nothing: the number of sessions, their duration and their idle time are
/// unlimited, and no shared limit of a rule applies. Sessions under such limits are never terminated by the daemon's
/// own decision, never warned and never denied.
bool is_unlimited(const Limits& limits) noexcept;

/// The rules of one tier that match a login.
struct MatchingRules {
    std::vector<const Rule*> rules; ///< in the tier's order, including exempting ones. Lifetime: owned by the tier
    bool exempt = false;            ///< one of them exempts, so that no limit of this tier applies
};

/// `origin` is origin_of(login).
MatchingRules matching_rules(const TierPolicy& tier, const Login& login, const Origin& origin);

/// Returns true if such a login is a session of its own: it is not nested in another session, and its PAM service is
/// not ignored.
bool counts(const Policy& policy, const Login& login);

/// Returns true if logins of this PAM service are not sessions: it is one of `ignore_services` (of either tier; the
/// shipped list if no tier sets one), or "systemd-user". That is the user manager, whose denial would leave
/// user@UID.service failed.
bool is_ignored(const Policy& policy, std::string_view service);

/// Returns true if `service` is in the list.
bool is_ignored(const std::vector<std::string>& ignore_services, std::string_view service);

/// Returns the shipped list of ignored services: su, sudo, cron and the like, and screen lockers.
const std::vector<std::string>& shipped_ignore_services();

} // namespace sesslimit::policy
