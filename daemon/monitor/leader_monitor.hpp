// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/core/event.hpp"
#include "daemon/event_loop.hpp"

#include <unordered_map>
#include <utility>
#include <vector>

namespace sesslimit::monitor {

/// Monitor that tracks the leader of each session, which is the process that opened the session. It uses a pidfd of
/// each leader. It reports the exit of a leader. It can also send a signal to a leader, and never to another process
/// that reuses the PID.
class LeaderMonitor {
  public:
    /// Creates a monitor that reports the exit of each tracked leader to `events` as LeaderExited, once per session.
    /// The leader is untracked before the report. Lifetime: the loop and `events` must outlive the monitor.
    LeaderMonitor(sd_event* loop, core::EventSink& events);
    LeaderMonitor(const LeaderMonitor&) = delete;
    LeaderMonitor& operator=(const LeaderMonitor&) = delete;
    ~LeaderMonitor() = default;

    /// Starts to track `leader`, the leader process of the session. Does nothing if the session already has a tracked
    /// leader. `pidfd` is an open pidfd of the leader, whose exit is reported after the next call of watch_new(). If
    /// `pidfd` is empty, the monitor opens a pidfd by the PID of the leader. Returns false if the process no longer
    /// exists or its PID has been reused.
    ///
    /// Errors: out of descriptors or memory, or the process cannot be identified. The monitor then tries to track the
    /// leader again every `retry_interval` until untrack() is called. An exit in the meantime is reported by the next
    /// attempt.
    Result<bool> track(SessionKey key, const Leader& leader, UniqueFd pidfd = {});

    /// Watches the leaders whose pidfd was passed to track(). It is a function of its own, so that a login is answered
    /// before. Errors: the same as of track().
    Result<> watch_new();

    /// Time between attempts to track a leader after an error.
    static constexpr Duration retry_interval = std::chrono::seconds(1);

    /// Returns true if the session has a tracked leader.
    [[nodiscard]] bool tracks(SessionKey key) const { return tracked_.contains(key); }

    /// Stops tracking the leader process of the session.
    void untrack(SessionKey key);

    /// Sends a signal to the leader process of the session. Errors: ESRCH if the leader is not tracked or has exited,
    /// EPERM if the kernel does not permit the signal.
    Result<> signal(SessionKey key, int signal) const;

  private:
    Result<bool> open_and_watch(SessionKey key, const Leader& leader);
    Result<bool> watch(SessionKey key, UniqueFd pidfd);
    Result<> watch_descriptor_of(SessionKey key, int pidfd);
    Result<bool> retry_later(SessionKey key, const Leader& leader, const Error& why);
    void report_exits();
    void retry_untracked();

    core::EventSink& events_;
    /// pidfds of the tracked leaders.
    std::unordered_map<SessionKey, UniqueFd> tracked_;
    /// Tracked leaders whose pidfd is not watched yet.
    std::vector<std::pair<SessionKey, Leader>> new_;
    /// Leaders that could not be tracked because of an error, for the next attempt.
    std::unordered_map<SessionKey, Leader> untracked_;
    /// epoll descriptor that watches all pidfds. It needs less memory than one event source for each leader.
    UniqueFd epoll_;
    EventSource source_;
    Timer retry_timer_;
};

} // namespace sesslimit::monitor
