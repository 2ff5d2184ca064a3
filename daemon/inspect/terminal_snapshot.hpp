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
struct TerminalSnapshot {
    std::vector<std::string> terminals; ///< names below /dev
    std::optional<Duration> input;      ///< wall clock of the youngest input on them
};

/// Looks at the real thing: /proc, the session's cgroup and its terminals.
TerminalSnapshot read_terminal_snapshot(const core::Session& session);

/// What was seen of sessions, for people who ask, and may ask a thousand times a second: each session is looked at anew
/// at most every `fresh_for`. What is seen of a session younger than that is not kept, as its terminal and what logind
/// knows of it are still to come. What decides about a session is never read from here.
template <class Snapshot>
class SnapshotCache {
  public:
    static constexpr Duration fresh_for = std::chrono::seconds(2);

    using Read = std::function<Snapshot(const core::Session&)>;

    /// `look` looks at the real thing, or is a test's.
    explicit SnapshotCache(Read read) : read_(std::move(read)) {}

    /// The reference lives until the session is forgotten.
    const Snapshot& of(const core::Session& session, BootTime now) {
        const auto [at, is_new] = entries_.try_emplace(session.key);
        Entry& entry = at->second;
        if (is_new || now - entry.at >= fresh_for || entry.at - session.opened < fresh_for) {
            entry = {read_(session), now};
        }
        return entry.snapshot;
    }

    void forget(SessionKey key) { entries_.erase(key); }

  private:
    struct Entry {
        Snapshot snapshot;
        BootTime at;
    };
    Read read_;
    std::unordered_map<SessionKey, Entry> entries_;
};

} // namespace sesslimit::inspect
