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

/// Looks for the users and groups that the policy in force names and nobody had: a rule about a group that is not there
/// matches nobody, and the directory service that has it may be up only after us. Less and less often, until all are
/// found. Knows no clock.
class NameRetry {
  public:
    static constexpr Duration first_pause = std::chrono::seconds(5);
    static constexpr Duration max_pause = std::chrono::hours(1);

    struct Dependencies {
        /// Has due() called after this long; nothing: not at all. Another call takes the place of the one before.
        std::function<void(std::optional<Duration>)> arm;
        /// Looks them all up (look_up_again()), and tells what came of it later.
        std::function<void(std::function<void(std::optional<policy::Loaded>)>)> ask;
        /// Some have come: the same policy with those names.
        std::function<void(policy::Policy)> found;
    };

    explicit NameRetry(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

    /// A policy is in force, and so many of its names are missing, as missing() counts them. What was asked about
    /// another one is not taken any more.
    void begin(std::size_t missing);

    void due();

  private:
    void take(std::optional<policy::Loaded> again);
    void look_later(Duration pause);

    Dependencies dependencies_;
    std::uint64_t policy_ = 0; ///< counts them
    std::size_t missing_ = 0;
    Duration pause_{};
};

} // namespace sesslimit::policy_store
