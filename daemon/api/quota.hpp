// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <set>

namespace sesslimit::api {

/// One unit of a quota, which is a limit on concurrent operations. The unit is returned to the quota when the last
/// reference to the token is destroyed. A token may outlive the Quota object.
using QuotaToken = std::shared_ptr<void>;

/// Limit on the number of concurrent operations, in total and for each owner, such as a user. The limit for each owner
/// prevents one owner from exhausting the quota. `Whose` is the type that identifies an owner. Not thread-safe.
template <class Whose>
class Quota {
  public:
    Quota(std::size_t most, std::size_t max_per_owner) : most_(most), max_per_owner_(max_per_owner) {}

    /// Acquires one unit of the quota for an owner. Returns null if the total limit or the limit of this owner is
    /// reached.
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
