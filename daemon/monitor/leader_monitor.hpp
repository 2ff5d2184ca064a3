// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/core/event.hpp"
#include "daemon/event_loop.hpp"

#include <unordered_map>

namespace sesslimit::monitor {

/// Monitor that tracks the leader process of each session through a pidfd. It reports the exit of a leader. It can also
/// signal a leader, but never an unrelated process that reuses the PID.
class LeaderMonitor {
  public:
    /// Reports each exit to `events` as LeaderExited, once per session, after the leader has been untracked. Lifetime:
    /// the loop and `events` must outlive the monitor.
    LeaderMonitor(sd_event* loop, core::EventSink& events);
    LeaderMonitor(const LeaderMonitor&) = delete;
    LeaderMonitor& operator=(const LeaderMonitor&) = delete;
    ~LeaderMonitor() = default;

    /// Starts tracking `leader` for the session. Does nothing if the session already has a tracked leader. `pidfd` is
    /// an open pidfd of the leader, or empty. Returns false if the process no longer exists or its PID has been reused.
    /// Errors: out of descriptors or memory, or the process cannot be identified. Tracking is then retried every
    /// `retry_interval` until untrack() is called. An exit in the meantime is reported by the next retry.
    Result<bool> track(SessionKey key, const Leader& leader, UniqueFd pidfd = {});

    static constexpr Duration retry_interval = std::chrono::seconds(1);

    /// Stops tracking the leader of the session.
    void untrack(SessionKey key);

    /// Sends a signal to the leader. Errors: ESRCH if the leader is not tracked or has exited, EPERM.
    Result<> signal(SessionKey key, int signal) const;

  private:
    Result<bool> open_and_watch(SessionKey key, const Leader& leader);
    Result<bool> watch(SessionKey key, UniqueFd pidfd);
    void report_exits();
    void retry_untracked();

    core::EventSink& events_;
    std::unordered_map<SessionKey, UniqueFd> tracked_; ///< pidfds of tracked leaders
    std::unordered_map<SessionKey, Leader> untracked_; ///< leaders that could not be tracked yet, for the next retry
    UniqueFd epoll_; ///< epoll descriptor with all pidfds, which needs less memory than an event source per leader
    EventSource source_;
    Timer retry_timer_;
};

} // namespace sesslimit::monitor
