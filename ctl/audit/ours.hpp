// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/native.hpp"
#include "daemon/policy/policy.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sesslimit::audit {

/// A limit of sesslimit for ordinary users, and its location. Without a file the limit is not set.
template <class T>
struct Ours {
    T value{};
    bool enforced = true; ///< false: the mode is observe
    Line at;
};

/// The effective limits of ordinary users, who are not named by a rule. They are the more generous ones of an ssh login
/// and a console login.
struct Ordinary {
    Ours<policy::Count> max_sessions;
    Ours<Duration> idle_timeout;
};
Ordinary ordinary_limits(const policy::Policy& policy);

/// Returns the rules that allow matching users more than `sessions`, or a longer idle time than `idle`, or that only
/// observe. They are the rules of the first tier that, without the other tier, enforces `sessions` and has an idle
/// limit of at most `idle` for ordinary users. One tier suffices, because the stricter tier wins. Returns nothing if
/// such a tier does not exist. To ignore one of the two limits, pass its largest value.
std::vector<Line> exceptions(const policy::Policy& policy, policy::Count sessions, Duration idle);

/// Returns the reasons why a native idle timeout is stricter than a policy: "idle_timeout is 15min", "users are warned
/// first". Empty if there are none.
std::vector<std::string> gentler_than(const policy::Policy& policy, Duration native);

} // namespace sesslimit::audit
