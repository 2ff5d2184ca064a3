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

/// Monitor for input on the terminals of warned sessions. The timestamps of a terminal advance in steps of 8 s, but
/// inotify(7) reports each input immediately (IN_ACCESS: a process read the typed text). Only warned sessions are
/// monitored, so that the daemon is not woken up while users type.
///
/// A session may get another terminal after the warning (a second shell of a multiplexed connection). While any session
/// is monitored, each new pty is monitored until a process first reads from the pty. At that time the pty belongs to a
/// session, and the sessions of its user must be probed again.
class InputMonitor {
  public:
    /// Functions that are called from the event loop.
    struct Callbacks {
        std::function<void(SessionKey)> input;
        std::function<void(uid_t)> newcomer; ///< called for input on a new pty with this owner, which sshd sets
    };

    /// Creates the inotify descriptor that serves all sessions. Errors: the descriptor cannot be created or added to
    /// the loop.
    static Result<InputMonitor> make(sd_event* loop, Callbacks callbacks);

    InputMonitor(InputMonitor&&) noexcept;
    InputMonitor& operator=(InputMonitor&&) noexcept;
    ~InputMonitor();

    /// Returns true if the session is monitored.
    [[nodiscard]] bool listens(SessionKey key) const;

    /// Monitors these terminals for the session, in addition to terminals that are already monitored. A terminal that
    /// cannot be monitored is skipped. The probe at the deadline still finds input on such a terminal.
    void listen(SessionKey key, const std::vector<inspect::Terminal>& terminals);

    /// Stops monitoring the session.
    void stop(SessionKey key);

  private:
    struct Impl;
    explicit InputMonitor(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit::monitor
