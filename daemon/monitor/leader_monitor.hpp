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

/// Holds the leader of each session by its pidfd: says at once when it exits, and signals it and nobody else, whatever
/// has become of its pid.
class LeaderMonitor {
  public:
    /// `exited` is called from the loop, once for a session; by then it is no longer held.
    LeaderMonitor(sd_event* loop, std::function<void(SessionKey)> exited);

    /// A process that is to be tracked in a moment, by a pidfd of it that somebody has already: no other is made then.
    /// The last one is remembered, and is worth nothing to whoever is not held.
    void provide_pidfd(const Leader& leader, UniqueFd pidfd);

    /// Holds this process for the session. Nothing happens where the session's leader is tracked already.
    /// False where there is no such process, or another one under its pid: it has exited.
    /// Fails for want of descriptors or of memory: then it is tried again every `again_after` until it is let go, and
    /// an exit in the meantime is told as soon as it is found.
    Result<bool> track(SessionKey key, const Leader& leader);

    static constexpr Duration again_after = std::chrono::seconds(1);

    void untrack(SessionKey key);

    /// Sends a signal. Fails where the leader is not tracked, has exited, or may not be signalled.
    Result<> signal(SessionKey key, int signal) const;

  private:
    static int on_exits(sd_event_source* source, int fd, std::uint32_t events, void* self);
    static int on_retry(sd_event_source* source, std::uint64_t at, void* self);
    Result<bool> take_hold(SessionKey key, const Leader& leader);
    Result<bool> watch(SessionKey key, UniqueFd pidfd);
    void say_exited();

    std::function<void(SessionKey)> exited_;
    std::unordered_map<SessionKey, UniqueFd> held_;    ///< pidfds
    std::unordered_map<SessionKey, Leader> untracked_; ///< who could not be tracked, to be tried again
    Leader provided_;
    UniqueFd expected_pidfd_;
    UniqueFd epoll_; ///< all of them: for one descriptor the loop keeps more than we do
    EventSource source_;
    EventSource retry_;
};

} // namespace sesslimit::monitor
