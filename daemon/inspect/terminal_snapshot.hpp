// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/session.hpp"
#include "daemon/inspect/cgroup_paths.hpp"

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sesslimit::inspect {

/// Names and last input of a session's terminals, for D-Bus callers and for the text of a denial.
struct TerminalSnapshot {
    /// Names of the terminals below /dev.
    std::vector<std::string> terminals;
    /// Wall clock time of the latest input on any of the terminals.
    std::optional<Duration> input;
};

/// Reads the names and the last input of a session's terminals from /proc, the session's cgroup and the terminals.
/// Returns an empty snapshot if the session cannot be inspected, is not active yet, or was closed.
TerminalSnapshot read_terminal_snapshot(const core::Session& session, const SysPaths& roots = host_paths);

/// Cache of data about sessions for D-Bus callers, which may send a thousand requests a second. Each session is
/// inspected at most once per `fresh_for`, except at the beginning of the session. Data that was read when the session
/// was younger than `fresh_for` is not reused, because its terminal and its logind data may not have existed yet.
/// Decisions about sessions never use this cache.
template <class Snapshot>
class SnapshotCache {
  public:
    static constexpr Duration fresh_for = std::chrono::seconds(2);

    using Read = std::function<Snapshot(const core::Session&)>;

    /// `read` is the function that inspects a session. Tests pass a replacement.
    explicit SnapshotCache(Read read) : read_(std::move(read)) {}

    /// Returns the cached data of the session, which is at most `fresh_for` old. Lifetime: the reference is valid until
    /// forget() is called for the session.
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
