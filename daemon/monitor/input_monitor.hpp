// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/core/session.hpp"
#include "daemon/event_loop.hpp"
#include "daemon/inspect/terminals.hpp"

#include <sys/types.h>

#include <functional>
#include <unordered_map>
#include <vector>

namespace sesslimit::monitor {

/// Monitors the terminals of warned sessions for input. The timestamps of a terminal advance in steps of 8 s, but
/// inotify(7) reports each input immediately (IN_ACCESS: a process read the typed text). Only warned sessions are
/// monitored, so that the daemon is not woken up while users type.
///
/// A session may get another terminal after the warning (a second shell of a multiplexed connection). While any session
/// is monitored, each new pty is monitored until a process first reads from it. At that time the processes of its
/// session have it, and the sessions must be probed again.
class InputMonitor {
  public:
    /// Functions that are called from the event loop.
    struct Callbacks {
        std::function<void(SessionKey)> input;
        std::function<void(uid_t)> newcomer; ///< input on a new pty that belongs to this user (sshd sets its owner)
    };

    /// Creates a listener. One inotify descriptor serves all sessions. Errors: it cannot be created or added to the
    /// loop.
    static Result<InputMonitor> make(sd_event* loop, Callbacks callbacks);

    InputMonitor(InputMonitor&&) noexcept;
    InputMonitor& operator=(InputMonitor&&) noexcept;
    ~InputMonitor();

    /// Returns true if the session is monitored.
    [[nodiscard]] bool listens(SessionKey key) const;

    /// Monitors these terminals for the session, in addition to those already monitored. A terminal that cannot be
    /// monitored is skipped, because the probe at the deadline still finds its input.
    void listen(SessionKey key, const std::vector<inspect::Terminal>& terminals);

    /// Stops monitoring the session.
    void stop(SessionKey key);

  private:
    struct Impl;
    explicit InputMonitor(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit::monitor
