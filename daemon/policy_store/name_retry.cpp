// SPDX-License-Identifier: MIT
#include "daemon/policy_store/name_retry.hpp"

#include "daemon/policy_store/policy_cache.hpp"

#include <algorithm>
#include <utility>

namespace sesslimit::policy_store {

void NameRetry::begin(std::size_t missing) {
    ++policy_;
    missing_ = missing;
    look_later(first_pause);
}

void NameRetry::due() {
    dependencies_.ask([this, of = policy_](std::optional<policy::Loaded> again) {
        // If another policy came into effect during the lookup, the result of the lookup is ignored. begin() has
        // already scheduled lookups for the new policy.
        if (of == policy_) {
            take(std::move(again));
        }
    });
}

void NameRetry::take(std::optional<policy::Loaded> again) {
    const std::size_t before = std::exchange(missing_, again ? missing(*again) : missing_);
    look_later(std::min(2 * pause_, max_pause));
    if (missing_ < before) {
        dependencies_.found(*std::move(again->policy));
    }
}

void NameRetry::look_later(Duration pause) {
    pause_ = pause;
    dependencies_.arm(missing_ > 0 ? std::optional(pause) : std::nullopt);
}

} // namespace sesslimit::policy_store
