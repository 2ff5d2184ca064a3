// SPDX-License-Identifier: MIT
#pragma once

#include "tests/unit/support/core_world.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

/// Policies of the model test, as a few numbers: what they come to for a login is worked out here by hand, to be held
/// against what the core makes of the same policy.
namespace sesslimit::model {

inline constexpr gid_t team_gid = 3000;
inline constexpr uid_t carol = 1003; ///< whom some plans exempt
inline constexpr std::uint32_t no_limit = std::numeric_limits<std::uint32_t>::max();

struct Plan {
    test::Rules defaults;                     ///< of the host's tier
    std::optional<policy::Count> managed_max; ///< [defaults] of the managed tier
    std::optional<policy::Count> team_max;    ///< a rule for the team: for each of them
    std::optional<policy::Count> team_total;  ///< the same rule: for all of them together
    std::optional<policy::Count> ssh_total;   ///< a rule for everybody who comes by ssh, together
    bool carol_is_exempt = false;
};

/// The plan that a number stands for, the same one each time.
Plan plan_of(std::uint32_t number);

policy::Policy policy_of(const Plan& plan);

/// In the order in which a policy of the plan has its rules.
enum class SharedLimit : std::uint8_t { team, ssh };
inline constexpr SharedLimit shared_limits[] = {SharedLimit::team, SharedLimit::ssh};

/// What a plan comes to for a login.
struct Bounds {
    std::uint32_t own = no_limit;
    std::vector<SharedLimit> shared_limits;
    bool enforced = true;
    Duration duration = unlimited_duration;
    Duration idle = unlimited_duration;
    Duration grace{}; ///< how long a limit leaves a user whom it takes by surprise

    [[nodiscard]] bool is_unlimited() const {
        return own == no_limit && shared_limits.empty() && duration == unlimited_duration && idle == unlimited_duration;
    }
};
Bounds bounds_of(const Plan& plan, const Login& login);

/// How many there may be of a total; no_limit where the plan has none.
std::uint32_t most_of(const Plan& plan, SharedLimit total);

/// Where the policy of a plan has that total's rule.
policy::SourceId source_of(SharedLimit total);

std::string described(const Plan& plan);

} // namespace sesslimit::model
