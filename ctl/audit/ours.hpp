// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/native.hpp"
#include "daemon/policy/policy.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sesslimit::audit {

/// A limit of ours, of ordinary users, and where it is set. No file: nothing sets it.
template <class T>
struct Ours {
    T value{};
    bool enforced = true; ///< false: the mode is observe
    Line at;
};

/// What a policy comes to for ordinary users, who no rule names: the more generous of a login by ssh and one on the
/// console.
struct Ordinary {
    Ours<policy::Count> max_sessions;
    Ours<Duration> idle_timeout;
};
Ordinary ordinary_limits(const policy::Policy& policy);

/// Rules that allow those whom they match more than `sessions` or a longer idle time than `idle`, where they may: in
/// the tiers without which ordinary users would not be limited so, of which one is enough. Of the two that is not asked
/// for, pass the largest value.
std::vector<Line> exceptions(const policy::Policy& policy, policy::Count sessions, Duration idle);

/// What of a policy a native idle time-out would go against: "its idle limit is 15min", "the output of a session counts
/// as use". Empty: nothing.
std::vector<std::string> gentler_than(const policy::Policy& policy, Duration native);

} // namespace sesslimit::audit
