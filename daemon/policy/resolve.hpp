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

/// The rules of one tier that match a login.
struct MatchingRules {
    std::vector<const Rule*> rules; ///< in the tier's order, exempting ones among them; they live as long as the tier
    bool exempt = false;            ///< one of them exempts: nothing of this tier holds
};

/// `origin` is origin_of(login).
MatchingRules matching_rules(const TierPolicy& tier, const Login& login, const Origin& origin);

/// Whether such a login is a session of its own: not where it is nested in another session, and not where its PAM
/// service is one of `ignore_services` (of either tier; the shipped list where no tier sets one) or "systemd-user",
/// the user manager, whose refusal would leave user@UID.service failed.
bool counts(const Policy& policy, const Login& login);

/// Whether `service` is in the list.
bool is_ignored(const std::vector<std::string>& ignore_services, std::string_view service);

/// The shipped list of ignored services: su, sudo, cron and the like, and screen lockers.
const std::vector<std::string>& shipped_ignore_services();

} // namespace sesslimit::policy
