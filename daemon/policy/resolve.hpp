// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/policy/login.hpp"
#include "daemon/policy/policy.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sesslimit::policy {

struct Origin; // daemon/policy/match.hpp

/// Returns the effective limits for a login. Pure. Never fails.
///
/// In each tier, managed and host, the values of settings are determined as follows:
/// - Of all matching rules that set a setting, the strictest value is used. It is the lowest number, the shortest time,
///   or the value that is first in its enumeration (policy.hpp).
/// - If no matching rule sets a setting, the value in [defaults] is used.
/// - If neither a matching rule nor [defaults] sets idle_timeout_no_terminal, the idle_timeout of the tier is used for
///   it.
/// - If a matching rule has `exempt`, no setting of its tier applies, not even those in [defaults].
///
/// For each setting, the stricter value of the managed tier and the host tier is used. If both values are equal, the
/// value of the managed tier is used. Of equal values within a tier, the earlier one is used. A tier that sets a limit
/// but not `mode` is treated as if it set the mode enforce.
///
/// The values of `keep` and `idle_activity` are those in the lists of all matching rules that set it, or in the list of
/// [defaults], and in the lists of both tiers.
///
/// The values of warn_before that apply in the managed tier and in the host tier are combined. Every max_sessions_total
/// of a matching rule applies.
///
/// The message to a user whose login is denied depends on the effective max_sessions:
/// - If a rule sets this max_sessions, the message of the same rule is used.
/// - If [defaults] sets this max_sessions, the first message of a matching rule of the same tier is used, or else the
///   message of [defaults].
/// - If max_sessions is unlimited, or if neither of these steps finds a message, the first message of a matching rule
///   is used, or else the message of [defaults]. Messages of the managed tier come before those of the host tier.
///
/// The user of a terminated session sees the first message_of_end of a matching rule. If no matching rule sets
/// message_of_end, the user sees the message_of_end of [defaults]. In both cases, the managed tier comes before the
/// host tier.
Limits resolve(const Policy& policy, const Login& login);

/// Returns true if the limits do not restrict a login. The number of sessions, their duration and their idle time are
/// then unlimited, and no shared limit (max_sessions_total) applies. The daemon never denies such a login, never warns
/// its user, and never terminates its session except on request.
bool is_unlimited(const Limits& limits) noexcept;

/// Returns true if the policy limits the sessions of some users in the fleet (max_sessions_fleet).
bool limits_fleet(const Policy& policy) noexcept;

/// Returns true if the last activity of the user's sessions decides whether, or in which order, a login at the limit
/// displaces them.
bool displaces_by_activity(const Limits& limits) noexcept;

/// Returns the table of the policy with this ID. Returns null for SourceId::nowhere. Lifetime: owned by the policy.
const Source* source_of(const Policy& policy, SourceId id) noexcept;

/// Returns the line of a policy file that sets a value. `from` and `line` are those of the value's Setting.
Location location_of(const Policy& policy, SourceId from, std::uint32_t line);

/// The rules of one tier, managed or host, that match a login.
struct MatchingRules {
    /// The matching rules in their order in the tier, including rules with `exempt`. Lifetime: owned by the tier.
    std::vector<const Rule*> rules;
    /// True if a matching rule has `exempt`, so that no setting of its tier applies to the login.
    bool exempt = false;
};

/// Returns the rules of the tier that match the login. `origin` must be origin_of(login).
MatchingRules matching_rules(const TierPolicy& tier, const Login& login, const Origin& origin);

/// Returns true if the login counts as a session. A login does not count if it is nested in another session, as with
/// su, or if its PAM service is in ignore_services.
bool counts(const Policy& policy, const Login& login);

/// Returns true if logins of this PAM service do not count as sessions. The service is then in `ignore_services` of
/// either tier, managed or host, or in the built-in list if no tier sets `ignore_services`. "systemd-user" is always
/// ignored, because it is the PAM service of the user manager, and user@UID.service would fail after a denial.
bool is_ignored(const Policy& policy, std::string_view service);

/// Returns true if the PAM service is in the list `ignore_services`.
bool is_ignored(const std::vector<std::string>& ignore_services, std::string_view service);

/// Returns the built-in default of ignore_services. It contains PAM services such as su, sudo and cron, and those of
/// screen lockers.
const std::vector<std::string>& shipped_ignore_services();

} // namespace sesslimit::policy
