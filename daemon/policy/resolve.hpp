// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/policy/login.hpp"
#include "daemon/policy/policy.hpp"

namespace sesslimit::policy {

/// What the policy comes to for this login. Pure and total.
///
/// In each tier: every rule that matches applies, and for each setting the strictest wins (lowest number, shortest
/// time, enforce before observe, refuse before end-idlest before end-oldest; warn_before: the union). A setting that
/// no matching rule sets is that of [defaults]. A matching rule with `exempt` lifts its own tier, defaults included.
/// Of the two tiers the stricter wins, setting by setting; of equals the managed one, then the earlier one.
Limits resolve(const Policy& policy, const Login& login);

/// Whether such a login is a session of its own: not where it is nested in another session, and not where its PAM
/// service is one of `ignore_services` (of either tier; the shipped list where no tier sets one) or "systemd-user",
/// the user manager, whose refusal would leave user@UID.service failed.
bool counts(const Policy& policy, const Login& login);

/// The shipped list of ignored services: su, sudo, cron and the like, and screen lockers.
const std::vector<std::string>& shipped_ignore_services();

} // namespace sesslimit::policy
