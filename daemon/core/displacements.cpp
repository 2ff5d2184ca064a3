// SPDX-License-Identifier: MIT
#include "daemon/core/displacements.hpp"

#include <algorithm>

namespace sesslimit::core {

bool Displacements::is_limited(const std::string& origin, BootTime now) const {
    return now < limited_until_ && (recent_.size() >= max_origins ||
                                    std::ranges::find(recent_, origin, &Displacement::origin) != recent_.end());
}

bool Displacements::add(const std::string& origin, BootTime now) {
    if (now >= limited_until_) {
        std::erase_if(recent_, [now](const Displacement& one) { return after(one.at, rate_period) <= now; });
    }
    if (recent_.size() < max_origins) {
        recent_.push_back({now, origin});
    }
    if (now < limited_until_ || recent_.size() < max_displacements) {
        return false;
    }
    limited_until_ = after(now, rate_period);
    return true;
}

BootTime Displacements::forgotten_at() const {
    return recent_.empty() ? limited_until_ : std::max(limited_until_, after(recent_.back().at, rate_period));
}

} // namespace sesslimit::core
