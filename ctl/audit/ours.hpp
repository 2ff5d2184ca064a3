// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/native.hpp"
#include "daemon/policy/policy.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sesslimit::audit {

/// A limit of the sesslimit policy for ordinary users, and its location. If the location names no file, the policy does
/// not set the limit.
template <class T>
struct Ours {
    T value{};
    bool enforced = true; ///< False in observe mode.
    Line at;
};

/// The limits of the sesslimit policy for ordinary users, which are users that no rule of the policy names. If a limit
/// differs between an ssh login and a console login, the more generous value is stored.
struct Ordinary {
    Ours<policy::Count> max_sessions;
    Ours<Duration> idle_timeout;
    Ours<Duration> idle_timeout_no_terminal;
    /// True if sessions are counted also after a logout, as long as their processes run (count_left_behind).
    bool counts_left_behind = true;
};
Ordinary ordinary_limits(const policy::Policy& policy);

/// Returns the rules that are exceptions to a limit of `sessions` sessions and an idle limit of `idle`. Such a rule
/// allows more sessions or a longer idle time, or is in observe mode. The policy has two tiers, managed.d and all other
/// files. Only the rules of one tier are returned, which is the first tier that enforces both limits for ordinary users
/// without the other tier. A rule of the other tier cannot be an exception, because the stricter tier applies to each
/// login. Returns an empty list if neither tier enforces both limits. To ignore a limit, pass its largest value.
std::vector<Line> exceptions(const policy::Policy& policy, policy::Count sessions, Duration idle);

/// Returns descriptions of the policy's settings that are more lenient than an idle timeout `native` of logind, such as
/// "idle_timeout is 15min" or "users are warned first". Returns an empty list if the policy is not more lenient.
std::vector<std::string> gentler_than(const policy::Policy& policy, Duration native);

} // namespace sesslimit::audit
