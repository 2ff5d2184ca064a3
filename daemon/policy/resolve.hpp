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
/// In each tier every matching rule applies, and for each setting the strictest value wins. The strictest value is the
/// lowest number or the shortest time. For the other settings, the first value of the enumeration in policy.hpp is the
/// strictest one. The values of warn_before are combined. [defaults] provides the settings that no matching rule sets.
/// If neither a matching rule nor [defaults] sets idle_timeout_no_terminal, the tier's resulting idle_timeout is its
/// value. After a matching rule with `exempt`, no setting of its tier applies, including the defaults. Of the two tiers
/// the stricter value wins, setting by setting. If the values are equal, the managed tier wins, and within a tier the
/// earlier value.
///
/// Three settings have no strictest value. Every max_sessions_total of both tiers applies. The message depends on the
/// max_sessions that won:
/// - If a rule sets this max_sessions, the message of the same rule applies.
/// - If [defaults] sets it, the message of the first matching rule of the same tier that has one applies, or else the
///   message of [defaults].
/// - If such a message does not exist, or if no max_sessions won, the message of the first matching rule that has one
///   applies, or else the message of [defaults]. In both steps the managed tier comes first.
///
/// The message_of_end is always chosen in the last of these ways.
Limits resolve(const Policy& policy, const Login& login);

/// Returns true if these limits restrict nothing: the number of sessions, their duration and their idle time are
/// unlimited, and no shared limit of a rule applies. Sessions under such limits are never terminated by the daemon's
/// own decision, never warned and never denied.
bool is_unlimited(const Limits& limits) noexcept;

/// The rules of one tier that match a login.
struct MatchingRules {
    std::vector<const Rule*> rules; ///< in the tier's order, including exempting ones. Lifetime: owned by the tier
    bool exempt = false;            ///< true if one of the rules exempts, so that no limit of this tier applies
};

/// `origin` is origin_of(login).
MatchingRules matching_rules(const TierPolicy& tier, const Login& login, const Origin& origin);

/// Returns true if the login is a session of its own. Such a login is not nested in another session, and its PAM
/// service is not ignored.
bool counts(const Policy& policy, const Login& login);

/// Returns true if logins of this PAM service are not sessions. The service is then in `ignore_services` of either
/// tier, or in the shipped list if no tier sets one. "systemd-user" is always ignored. It is the service of the user
/// manager, and a denial would leave user@UID.service failed.
bool is_ignored(const Policy& policy, std::string_view service);

/// Returns true if `service` is in the list.
bool is_ignored(const std::vector<std::string>& ignore_services, std::string_view service);

/// Returns the shipped list of ignored services: su, sudo, cron and the like, and screen lockers.
const std::vector<std::string>& shipped_ignore_services();

} // namespace sesslimit::policy
