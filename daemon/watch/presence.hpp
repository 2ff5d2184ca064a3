// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/warden/session.hpp"

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace sesslimit::watch {

/// What can be seen of a session at the moment.
struct Presence {
    std::vector<std::string> terminals; ///< names below /dev
    std::optional<Span> input;          ///< wall clock of the youngest input on them
};

/// Presences for people who ask, and may ask a thousand times a second: each session is looked at anew at most every
/// `fresh_for`. What decides about a session is never read from here.
class PresenceCache {
  public:
    static constexpr Span fresh_for = std::chrono::seconds(2);

    using Look = std::function<Presence(const warden::Session&)>;

    /// `look` is see(), or a test's.
    explicit PresenceCache(Look look) : look_(std::move(look)) {}

    /// The reference lives until the session is forgotten.
    const Presence& of(const warden::Session& session, Boottime now);

    void forget(SessionKey key) { seen_.erase(key); }

  private:
    struct Seen {
        Presence presence;
        Boottime at;
    };
    Look look_;
    std::unordered_map<SessionKey, Seen> seen_;
};

/// Looks at the real thing: /proc, the session's cgroup and its terminals.
Presence see(const warden::Session& session);

} // namespace sesslimit::watch
