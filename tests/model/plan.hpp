// SPDX-License-Identifier: MIT
#pragma once

#include "tests/unit/support/core_world.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

/// Policies of the model test, described by a few numbers. Their effective limits for a login are computed here
/// independently, for comparison with the core.
namespace sesslimit::model {

inline constexpr gid_t team_gid = 3000;
inline constexpr uid_t carol = 1003; ///< user whom some plans exempt
inline constexpr std::uint32_t no_limit = std::numeric_limits<std::uint32_t>::max();

struct Plan {
    test::Rules defaults;                     ///< of the host tier
    std::optional<policy::Count> managed_max; ///< [defaults] of the managed tier
    std::optional<policy::Count> team_max;    ///< a rule for the team: limit of each user
    std::optional<policy::Count> team_total;  ///< the same rule: limit shared by the team
    std::optional<policy::Count> ssh_total;   ///< a rule for all ssh logins: shared limit
    bool carol_is_exempt = false;             ///< from the host tier
};

/// Returns the plan for a number, always the same one.
Plan plan_of(std::uint32_t number);

policy::Policy policy_of(const Plan& plan);

/// The shared limits, in the order of their rules in the policy.
enum class SharedLimit : std::uint8_t { team, ssh };
inline constexpr SharedLimit shared_limits[] = {SharedLimit::team, SharedLimit::ssh};

/// Effective limits of a plan for a login.
struct Bounds {
    std::uint32_t own = no_limit;
    std::uint32_t fleet = no_limit; ///< on all hosts
    bool denies_unanswered = false; ///< if the fleet does not answer
    std::vector<SharedLimit> shared_limits;
    bool enforced = true;
    bool counts_left = false; ///< counts also after the logout
    bool limits_left = false; ///< the duration and idle limits apply also after the logout
    Duration duration = unlimited_duration;
    Duration idle = unlimited_duration;
    Duration grace{}; ///< grace period for a user of a newly imposed limit

    [[nodiscard]] bool is_unlimited() const {
        return own == no_limit && fleet == no_limit && shared_limits.empty() && duration == unlimited_duration &&
               idle == unlimited_duration;
    }
};
Bounds bounds_of(const Plan& plan, const Login& login);

/// Returns true if a login opens a session that can count.
bool counts(const Login& login);

/// Returns the value of a shared limit, or no_limit if the plan does not set it.
std::uint32_t most_of(const Plan& plan, SharedLimit total);

/// Returns the source of that limit's rule in the policy of a plan.
policy::SourceId source_of(SharedLimit total);

std::string described(const Plan& plan);

} // namespace sesslimit::model
