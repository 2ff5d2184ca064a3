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

/// Retries the look-up of users and groups that could not be found when the policy in effect was loaded. A rule about
/// an unknown group matches no login, and its directory service may start after the daemon. The interval grows until
/// all names are found. The class does not read a clock.
class NameRetry {
  public:
    static constexpr Duration first_pause = std::chrono::seconds(5);
    static constexpr Duration max_pause = std::chrono::hours(1);

    struct Dependencies {
        /// Schedules a call of due() after this duration, or cancels it if absent. Replaces the previous schedule.
        std::function<void(std::optional<Duration>)> arm;
        /// Looks up all names (look_up_again()) and passes on the result later.
        std::function<void(std::function<void(std::optional<policy::Loaded>)>)> ask;
        /// Called when some names were found, with the same policy and those names.
        std::function<void(policy::Policy)> found;
    };

    explicit NameRetry(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

    /// Starts the retries for a policy that is now in effect. `missing` is the number of its missing names as counted
    /// by missing(). Results of look-ups for an earlier policy are ignored.
    void begin(std::size_t missing);

    /// Starts a look-up. Called when the scheduled time has come.
    void due();

  private:
    void take(std::optional<policy::Loaded> again);
    void look_later(Duration pause);

    Dependencies dependencies_;
    std::uint64_t policy_ = 0; ///< number of policies so far
    std::size_t missing_ = 0;
    Duration pause_{};
};

} // namespace sesslimit::policy_store
