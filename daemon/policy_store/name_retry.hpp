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

/// Name retry: the repeated lookup of users and groups that did not exist when the policy was loaded. A rule about an
/// unknown group does not match any login. The directory service that provides the group may start after the daemon.
/// The interval grows until all names are found. The class does not read a clock.
class NameRetry {
  public:
    static constexpr Duration first_pause = std::chrono::seconds(5);
    static constexpr Duration max_pause = std::chrono::hours(1);

    struct Dependencies {
        /// Schedules a call of due() after this duration, in place of an earlier scheduled call. Only cancels the
        /// earlier call if the duration is absent.
        std::function<void(std::optional<Duration>)> arm;
        /// Looks up all names (look_up_again()), and later calls the passed function with the result.
        std::function<void(std::function<void(std::optional<policy::Loaded>)>)> ask;
        /// Called with the reloaded policy when the lookup has found further names.
        std::function<void(policy::Policy)> found;
    };

    explicit NameRetry(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

    /// Starts the retries for a policy that is now in effect. `missing` is the result of missing() for this policy.
    /// Results of lookups for an earlier policy are ignored.
    void begin(std::size_t missing);

    /// Starts a lookup. Must be called at the scheduled time.
    void due();

  private:
    void take(std::optional<policy::Loaded> again);
    void look_later(Duration pause);

    Dependencies dependencies_;
    std::uint64_t policy_ = 0; ///< number of calls of begin(), which identifies the current policy
    std::size_t missing_ = 0;
    Duration pause_{};
};

} // namespace sesslimit::policy_store
