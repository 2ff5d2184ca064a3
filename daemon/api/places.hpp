// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <set>

namespace sesslimit::api {

/// Room for so many at once, of which one user gets so many at most: no other is shut out by them alone. One thread.
class Places {
  public:
    /// Taken for as long as somebody has it. It may outlive the places.
    using Place = std::shared_ptr<void>;

    Places(std::size_t most, std::size_t most_of_user) : most_(most), most_of_user_(most_of_user) {}

    /// Null: all are taken, or all that this user may have.
    [[nodiscard]] Place take(uid_t user) {
        if (taken_->size() >= most_ || taken_->count(user) >= most_of_user_) {
            return nullptr;
        }
        return {taken_.get(), [taken = taken_, at = taken_->insert(user)](void*) { taken->erase(at); }};
    }

  private:
    std::size_t most_;
    std::size_t most_of_user_;
    std::shared_ptr<std::multiset<uid_t>> taken_ = std::make_shared<std::multiset<uid_t>>();
};

} // namespace sesslimit::api
