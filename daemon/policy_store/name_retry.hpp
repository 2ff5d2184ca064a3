// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/policy/load.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

namespace sesslimit::policy_store {

/// Repeated lookup of the users and groups that are named in the policy, but did not exist when the policy was loaded.
/// The directory service that provides them may start after the daemon, and until then a rule for such a group does not
/// match any login. The interval between lookups doubles from 5 s to 1 h. The lookups end when all names are found. The
/// class does not read a clock.
class NameRetry {
  public:
    static constexpr Duration first_pause = std::chrono::seconds(5);
    static constexpr Duration max_pause = std::chrono::hours(1);

    struct Dependencies {
        /// Schedules a call of due(), which starts a lookup, after the passed duration. Replaces the call that was
        /// scheduled before. If no duration is passed, only cancels the call that was scheduled before.
        std::function<void(std::optional<Duration>)> arm;
        /// Starts a lookup of all users and groups of the policy (look_up_again()) without blocking. When the lookup is
        /// finished, calls the passed function with the result of look_up_again().
        std::function<void(std::function<void(std::optional<policy::Loaded>)>)> ask;
        /// Called with the reloaded policy when a lookup has found users or groups that were missing before.
        std::function<void(policy::Policy)> found;
    };

    explicit NameRetry(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

    /// Schedules the first lookup for a policy that came into effect. `missing` is the result of missing() for this
    /// policy. If it is 0, all users and groups were found, and no lookup is scheduled. The results of unfinished
    /// lookups for an earlier policy are ignored.
    void begin(std::size_t missing);

    /// Starts a lookup of the users and groups. Must be called when the duration passed to Dependencies::arm has
    /// elapsed.
    void due();

  private:
    void take(std::optional<policy::Loaded> again);
    void look_later(Duration pause);

    Dependencies dependencies_;
    std::uint64_t policy_ = 0; ///< number of calls of begin(); identifies the policy in effect
    std::size_t missing_ = 0;
    Duration pause_{};
};

} // namespace sesslimit::policy_store
