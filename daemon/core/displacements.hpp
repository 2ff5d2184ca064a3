// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace sesslimit::core {

/// Recent displacements of the sessions of one user, and the limit on their rate. The limit ends endless displacement,
/// for example by several clients that reconnect automatically. A value type without I/O.
///
/// The rate is exceeded after max_displacements within rate_period. Logins from the origins of these displacements can
/// then not displace a session, until there has been no such login for rate_period. An origin is the remote host of a
/// login, or empty for a login on this host.
class Displacements {
  public:
    static constexpr std::size_t max_displacements = 5;
    static constexpr Duration rate_period = std::chrono::minutes(1);
    /// Maximum number of origins that are stored. If more origins displace sessions, the limit applies to all origins.
    static constexpr std::size_t max_origins = 32;

    /// Returns true if a login from `origin` must not displace a session.
    [[nodiscard]] bool is_limited(const std::string& origin, BootTime now) const;

    /// Adds a displacement by a login from `origin`. Returns true if the rate is exceeded from now on.
    bool add(const std::string& origin, BootTime now);

    /// Prolongs the limit after a login from an origin to which it applies.
    void prolong(BootTime now) { limited_until_ = after(now, rate_period); }

    /// Returns the time at which the object equals a new one again.
    [[nodiscard]] BootTime forgotten_at() const;

  private:
    struct Displacement {
        BootTime at;
        std::string origin;
    };

    std::vector<Displacement> recent_; ///< in the order of their times
    BootTime limited_until_{};
};

} // namespace sesslimit::core
