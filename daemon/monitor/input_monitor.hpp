// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/event_loop.hpp"
#include "daemon/core/session.hpp"
#include "daemon/inspect/terminals.hpp"

#include <sys/types.h>

#include <functional>
#include <unordered_map>
#include <vector>

namespace sesslimit::monitor {

/// Listens for a key on the terminals of the sessions that were warned: a terminal's times move in steps of 8 s, but
/// inotify(7) tells of each input at once (IN_ACCESS: something read what was typed). Only for those sessions, so
/// that nothing wakes up while people type.
///
/// A session may get another terminal after it was warned (a second shell of a multiplexed connection). While any is
/// listened to, each pty that is made is listened to until something first reads from it: by then its session's
/// processes have it, and whoever decides has to look again.
class InputMonitor {
  public:
    /// Called from the loop.
    struct Callbacks {
        std::function<void(SessionKey)> input;
        std::function<void(uid_t)> newcomer; ///< input on a new pty, which is this user's (sshd makes it so)
    };

    /// One inotify descriptor serves all sessions.
    static Result<InputMonitor> make(sd_event* loop, Callbacks callbacks);

    InputMonitor(InputMonitor&&) noexcept;
    InputMonitor& operator=(InputMonitor&&) noexcept;
    ~InputMonitor();

    [[nodiscard]] bool listens(SessionKey key) const;

    /// Listens to these terminals for the session, beside those it listens to already. What cannot be listened to is
    /// passed over: its input is seen at the deadline all the same.
    void listen(SessionKey key, const std::vector<inspect::Terminal>& terminals);

    void stop(SessionKey key);

  private:
    struct Impl;
    explicit InputMonitor(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit::monitor
