// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/session.hpp"

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sesslimit::inspect {

/// What can be seen of a session at the moment.
struct Presence {
    std::vector<std::string> terminals; ///< names below /dev
    std::optional<Span> input;          ///< wall clock of the youngest input on them
};

/// Looks at the real thing: /proc, the session's cgroup and its terminals.
Presence see(const core::Session& session);

/// What was seen of sessions, for people who ask, and may ask a thousand times a second: each session is looked at anew
/// at most every `fresh_for`. What is seen of a session younger than that is not kept, as its terminal and what logind
/// knows of it are still to come. What decides about a session is never read from here.
template <class Sight>
class LookCache {
  public:
    static constexpr Span fresh_for = std::chrono::seconds(2);

    using Look = std::function<Sight(const core::Session&)>;

    /// `look` looks at the real thing, or is a test's.
    explicit LookCache(Look look) : look_(std::move(look)) {}

    /// The reference lives until the session is forgotten.
    const Sight& of(const core::Session& session, Boottime now) {
        const auto [at, is_new] = seen_.try_emplace(session.key);
        Seen& seen = at->second;
        if (is_new || now - seen.at >= fresh_for || seen.at - session.opened < fresh_for) {
            seen = {look_(session), now};
        }
        return seen.sight;
    }

    void forget(SessionKey key) { seen_.erase(key); }

  private:
    struct Seen {
        Sight sight;
        Boottime at;
    };
    Look look_;
    std::unordered_map<SessionKey, Seen> seen_;
};

} // namespace sesslimit::inspect
