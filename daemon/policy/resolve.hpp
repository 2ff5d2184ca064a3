// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/policy/login.hpp"
#include "daemon/policy/policy.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sesslimit::policy {

struct Origin; // daemon/policy/match.hpp

/// What the policy comes to for this login. Pure and total.
///
/// In each tier: every rule that matches applies, and for each setting the strictest wins (lowest number, shortest
/// time, and of the others the order of the enumerations in policy.hpp; warn_before: the union). A setting that no
/// matching rule sets is that of [defaults]; of idle_timeout_no_terminal, where neither sets it, it is what the tier
/// has come to for idle_timeout. A matching rule with `exempt` lifts its own tier, defaults included.
/// Of the two tiers the stricter wins, setting by setting; of equals the managed one, then the earlier one.
///
/// Three settings have no strictest value. Of max_sessions_total all hold, of both tiers. The message is the one that
/// belongs to the max_sessions that won: where that stands in a rule, that rule's; where in [defaults], that of the
/// first matching rule of the same tier that has one, else that of [defaults]. Where there is none, or no number won,
/// it is that of the first matching rule that has one, else that of [defaults], each time the managed tier's first;
/// message_of_end always is.
Limits resolve(const Policy& policy, const Login& login);

/// Returns true if these limits restrict nothing: the number of sessions, their duration and their idle time are
/// unlimited, and no shared limit of a rule applies. Sessions under such limits are never terminated by the daemon's
/// own decision, never warned and never denied.
bool is_unlimited(const Limits& limits) noexcept;

/// The rules of one tier that match a login.
struct MatchingRules {
    std::vector<const Rule*> rules; ///< in the tier's order, exempting ones among them; they live as long as the tier
    bool exempt = false;            ///< one of them exempts: nothing of this tier holds
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

/// Whether `service` is in the list.
bool is_ignored(const std::vector<std::string>& ignore_services, std::string_view service);

/// The shipped list of ignored services: su, sudo, cron and the like, and screen lockers.
const std::vector<std::string>& shipped_ignore_services();

} // namespace sesslimit::policy
