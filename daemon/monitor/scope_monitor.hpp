// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/core/event.hpp"
#include "daemon/event_loop.hpp"

#include <filesystem>
#include <map>
#include <unordered_map>

namespace sesslimit::monitor {

/// Monitor that reports when the last process in a scope has exited. It uses inotify(7) on the file cgroup.events of
/// the control group, as systemd does.
class ScopeMonitor {
  public:
    /// Creates a monitor that reports each empty scope to `events` as ScopeEmptied, once per session. The scope is
    /// untracked before the report. Lifetime: the loop and `events` must outlive the monitor.
    ScopeMonitor(sd_event* loop, core::EventSink& events);
    ScopeMonitor(const ScopeMonitor&) = delete;
    ScopeMonitor& operator=(const ScopeMonitor&) = delete;
    ~ScopeMonitor() = default;

    /// Starts to track the scope of the session, whose control group is the directory `group`. Does nothing if the
    /// scope is already tracked. Returns false if no process runs in the scope, or if the scope does not exist.
    ///
    /// Errors: out of memory, descriptors or inotify watches. The monitor then tries to track the scope again every
    /// `retry_interval` until untrack() is called.
    Result<bool> track(SessionKey key, const std::filesystem::path& group);

    /// Time between attempts to track or inspect a scope after an error.
    static constexpr Duration retry_interval = std::chrono::seconds(1);

    /// Returns true if the scope of the session is tracked, or will be tracked after an error.
    [[nodiscard]] bool tracks(SessionKey key) const { return watches_.contains(key) || untracked_.contains(key); }

    /// Stops tracking the scope of the session.
    void untrack(SessionKey key);

  private:
    struct Watched {
        SessionKey session;
        std::filesystem::path events; ///< path of cgroup.events
    };

    Result<bool> watch(SessionKey key, const std::filesystem::path& group);
    void report_empty();
    void retry();

    core::EventSink& events_;
    UniqueFd inotify_;
    EventSource source_;
    std::map<int, Watched> scopes_; ///< tracked scopes, with the inotify watch as the key
    std::unordered_map<SessionKey, int> watches_;
    /// Control groups that could not be tracked because of an error, for the next attempt.
    std::unordered_map<SessionKey, std::filesystem::path> untracked_;
    Timer retry_timer_;
};

} // namespace sesslimit::monitor
