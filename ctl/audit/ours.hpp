// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/native.hpp"
#include "daemon/policy/policy.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sesslimit::audit {

/// A limit of sesslimit for ordinary users, and its location. If the location has no file, the limit is not set.
template <class T>
struct Ours {
    T value{};
    bool enforced = true; ///< false if the mode is observe
    Line at;
};

/// The effective limits of ordinary users. No rule names such a user. Each limit is the more generous one of an ssh
/// login and a console login.
struct Ordinary {
    Ours<policy::Count> max_sessions;
    Ours<Duration> idle_timeout;
};
Ordinary ordinary_limits(const policy::Policy& policy);

/// Returns the rules of one tier that allow matching users more than `sessions` or a longer idle time than `idle`, or
/// only observe. Selects the first tier that enforces both limits for ordinary users without the other tier. One tier
/// suffices, because the stricter tier applies. Returns an empty list if neither tier enforces both limits. To ignore
/// one of the two limits, pass its largest value.
std::vector<Line> exceptions(const policy::Policy& policy, policy::Count sessions, Duration idle);

/// Returns the reasons why a native idle timeout is stricter than a policy: "idle_timeout is 15min", "users are warned
/// first". Returns an empty list if the native timeout is not stricter.
std::vector<std::string> gentler_than(const policy::Policy& policy, Duration native);

} // namespace sesslimit::audit
