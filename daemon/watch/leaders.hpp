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
    struct Held {
        Leaders* owner;
        SessionKey key;
        UniqueFd pidfd;
        EventSource source;
    };
    static int on_exit(sd_event_source* source, int fd, std::uint32_t events, void* held);

    sd_event* loop_;
    std::function<void(SessionKey)> exited_;
    std::unordered_map<SessionKey, Held> held_;
};

} // namespace sesslimit::watch
