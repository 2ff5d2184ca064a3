// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"

#include <algorithm>

namespace sesslimit {

/// Bounds the number of messages that another process can cause: `burst` of them, and then one in each `interval`.
class MessageBudget {
  public:
    static constexpr int burst = 20;
    static constexpr Duration interval = std::chrono::seconds(10);

    /// Returns true if a message may be logged now.
    bool take(MonotonicTime now) {
        const MonotonicTime used_until = std::max(used_until_, now) + interval;
        const bool is_left = used_until - now <= burst * interval;
        used_until_ = is_left ? used_until : used_until_;
        return is_left;
    }

  private:
    MonotonicTime used_until_{};
};

} // namespace sesslimit
