// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/loop.hpp"
#include "daemon/warden/session.hpp"

#include <functional>
#include <unordered_map>

namespace sesslimit::watch {

/// Holds the leader of each session by its pidfd: says at once when it exits, and signals it and nobody else, whatever
/// has become of its pid.
class Leaders {
  public:
    /// `exited` is called from the loop, once for a session; by then it is no longer held.
    Leaders(sd_event* loop, std::function<void(SessionKey)> exited);

    /// Holds this process for the session. Nothing happens where the session's leader is held already.
    /// False where there is no such process, or another one under its pid: it has exited.
    Result<bool> hold(SessionKey key, const Leader& leader);

    void let_go(SessionKey key);

    /// Sends a signal. Fails where the leader is not held, has exited, or may not be signalled.
    Result<> signal(SessionKey key, int signal) const;

  private:
    static int on_exits(sd_event_source* source, int fd, std::uint32_t events, void* self);
    void say_exited();

    std::function<void(SessionKey)> exited_;
    std::unordered_map<SessionKey, UniqueFd> held_; ///< pidfds
    UniqueFd epoll_;                                ///< all of them: for one descriptor the loop keeps more than we do
    EventSource source_;
};

} // namespace sesslimit::watch
