// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <set>

namespace sesslimit::api {

/// LoadResult for as long as somebody has it. It may outlive the places.
using QuotaToken = std::shared_ptr<void>;

/// Room for so many at once, of which one of those that ask gets so many at most: no other is shut out by them alone.
/// `Whose` tells them apart. One thread.
template <class Whose>
class Quota {
  public:
    Quota(std::size_t most, std::size_t max_per_owner) : most_(most), max_per_owner_(max_per_owner) {}

    /// Null: all are taken, or all that this one may have.
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
