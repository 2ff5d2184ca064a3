// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <set>

namespace sesslimit::api {

/// A unit of a quota. The unit is returned when the last reference is dropped, and may outlive the Quota object.
using QuotaToken = std::shared_ptr<void>;

/// A quota of concurrent operations with a total limit and a limit for each owner (`Whose`). The second limit prevents
/// one owner from exhausting the quota. Not thread-safe.
template <class Whose>
class Quota {
  public:
    Quota(std::size_t most, std::size_t max_per_owner) : most_(most), max_per_owner_(max_per_owner) {}

    /// Acquires one unit. Returns null if the total limit or the owner's limit is reached.
    [[nodiscard]] QuotaToken take(const Whose& whose) {
        if (taken_->size() >= most_ || taken_->count(whose) >= max_per_owner_) {
            return nullptr;
        }
        return {taken_.get(), [taken = taken_, at = taken_->insert(whose)](void*) { taken->erase(at); }};
    }

  private:
    std::size_t most_;
    std::size_t max_per_owner_;
    std::shared_ptr<std::multiset<Whose>> taken_ = std::make_shared<std::multiset<Whose>>();
};

} // namespace sesslimit::api
