// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/core/session.hpp"
#include "daemon/event_loop.hpp"

#include <functional>
#include <unordered_map>

namespace sesslimit::monitor {

/// Monitor that tracks the leader process of each session through a pidfd. It reports the exit of a leader. It can also
/// signal a leader, but never an unrelated process that reuses the PID.
class LeaderMonitor {
  public:
    /// Takes the callback for exits. The loop calls `exited` once per session, after the leader has been untracked.
    LeaderMonitor(sd_event* loop, std::function<void(SessionKey)> exited);

    /// Provides an open pidfd for a leader that is about to be tracked, so that track() does not open another. Only the
    /// pidfd of the most recent call is stored. track() checks that the pidfd belongs to its leader.
    void provide_pidfd(const Leader& leader, UniqueFd pidfd);

    /// Starts tracking `leader` for the session. Does nothing if the session already has a tracked leader. Returns
    /// false if the process no longer exists or its PID has been reused. Errors: out of descriptors or memory, or the
    /// process cannot be identified. Tracking is then retried every `again_after` until untrack() is called. An exit in
    /// the meantime is reported by the next retry.
    Result<bool> track(SessionKey key, const Leader& leader);

    static constexpr Duration again_after = std::chrono::seconds(1);

    /// Stops tracking the leader of the session.
    void untrack(SessionKey key);

    /// Sends a signal to the leader. Errors: ESRCH if the leader is not tracked or has exited, EPERM.
    Result<> signal(SessionKey key, int signal) const;

  private:
    static int on_exits(sd_event_source* source, int fd, std::uint32_t events, void* self);
    static int on_retry(sd_event_source* source, std::uint64_t at, void* self);
    Result<bool> take_hold(SessionKey key, const Leader& leader);
    Result<bool> watch(SessionKey key, UniqueFd pidfd);
    void say_exited();

    std::function<void(SessionKey)> exited_;
    std::unordered_map<SessionKey, UniqueFd> held_;    ///< pidfds of tracked leaders
    std::unordered_map<SessionKey, Leader> untracked_; ///< leaders that could not be tracked yet, for the next retry
    Leader provided_;
    UniqueFd expected_pidfd_;
    UniqueFd epoll_; ///< epoll descriptor with all pidfds, which needs less memory than an event source per leader
    EventSource source_;
    EventSource retry_;
};

} // namespace sesslimit::monitor
