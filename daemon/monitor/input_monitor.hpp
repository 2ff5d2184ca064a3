// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/core/event.hpp"
#include "daemon/event_loop.hpp"
#include "daemon/inspect/terminals.hpp"

#include <memory>
#include <vector>

namespace sesslimit::monitor {

/// Monitor for input on the terminals of sessions that were warned about their idle limit. The timestamps of a terminal
/// advance in steps of 8 s, but inotify(7) reports each input immediately (IN_ACCESS: a process read the typed text).
/// Other sessions are not monitored, so that the daemon is not woken up while users type.
///
/// A session may get another terminal after a warning, such as a second shell of a multiplexed SSH connection.
/// Therefore, while any session is monitored, each new pty is monitored until a process first reads from the pty. At
/// that time the pty belongs to a session, and all sessions of its user are probed for activity again.
class InputMonitor {
  public:
    /// Creates the inotify descriptor that serves all sessions. Reports InputReceived to `events` for input to a
    /// monitored session. For the first input on a new pty, reports TerminalOpened with the owner of the pty, which
    /// sshd has set. Lifetime: the loop and `events` must outlive the monitor. Errors: the descriptor cannot be created
    /// or added to the loop.
    static Result<InputMonitor> make(sd_event* loop, core::EventSink& events);

    InputMonitor(InputMonitor&&) noexcept;
    InputMonitor& operator=(InputMonitor&&) noexcept;
    ~InputMonitor();

    /// Returns true if the terminals of the session are monitored for input.
    [[nodiscard]] bool listens(SessionKey key) const;

    /// Monitors the given terminals for input to the session, in addition to terminals that are already monitored. A
    /// terminal that cannot be monitored is skipped. The activity probe at the session's deadline still finds input on
    /// such a terminal.
    void listen(SessionKey key, const std::vector<inspect::Terminal>& terminals);

    /// Stops monitoring the session.
    void stop(SessionKey key);

  private:
    struct Impl;
    explicit InputMonitor(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit::monitor
