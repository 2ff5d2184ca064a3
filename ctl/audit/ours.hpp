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

/// The limits of the sesslimit policy for ordinary users, which are users that no rule of the policy names. Each limit
/// is the more generous one of the limits for an ssh login and for a console login.
struct Ordinary {
    Ours<policy::Count> max_sessions;
    Ours<Duration> idle_timeout;
};
Ordinary ordinary_limits(const policy::Policy& policy);

/// Returns the rules of the policy that allow matching users more than `sessions` sessions or a longer idle time than
/// `idle`, or that are in observe mode. The rules are from one tier, either the files in managed.d or all other files.
/// It is the first tier that enforces both limits for ordinary users without the other tier. One tier suffices, because
/// the stricter of two tiers applies. Returns an empty list if neither tier enforces both limits. To ignore one of the
/// limits, pass its largest value.
std::vector<Line> exceptions(const policy::Policy& policy, policy::Count sessions, Duration idle);

/// Returns the reasons why an idle timeout `native` of logind is stricter than a policy, such as "idle_timeout is
/// 15min" or "users are warned first". Returns an empty list if the timeout of logind is not stricter.
std::vector<std::string> gentler_than(const policy::Policy& policy, Duration native);

} // namespace sesslimit::audit
