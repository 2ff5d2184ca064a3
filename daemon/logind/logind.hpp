// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/core/event.hpp"
#include "daemon/event_loop.hpp"
#include "daemon/logind/idle_stop.hpp"

#include <systemd/sd-bus.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sesslimit::logind {

/// Callbacks for sessions and errors that the client of logind reports. They are called from the event loop.
struct Callbacks {
    /// Called for each session in a list of all sessions, and for each session that logind announces later. The Login
    /// contains only logind's data, without groups and credential. If the session's leader process has exited, its PID
    /// is 0.
    std::function<void(core::LogindSession)> appeared;
    std::function<void(std::string id)> gone;
    /// Called with the IDs of all logind sessions after each connection to the bus and after each restart of logind.
    /// The callback `appeared` is then called for each of these sessions.
    std::function<void(std::vector<std::string> ids)> listed;
    /// Called when the callback `appeared` has been called for every session of the last list, except for sessions that
    /// could not be read.
    std::function<void()> caught_up;
    /// Called for errors that concern the administrator, such as the loss of the connection to the bus. The client
    /// reconnects after the call.
    std::function<void(Error)> failed;
};

/// Client of logind on the system bus (org.freedesktop.login1(5)). Every call is asynchronous, so that logins do not
/// wait while the daemon waits for a reply of logind. The client reconnects after the connection to the bus is lost.
class Logind {
  public:
    Logind(sd_event* loop, Callbacks callbacks);
    ~Logind();
    Logind(const Logind&) = delete;
    Logind& operator=(const Logind&) = delete;

    /// Starts to connect to the bus. The callbacks then report sessions and errors.
    void connect();

    /// Calls logind's method TerminateSession, which sends SIGTERM, and SIGHUP for shells, to all processes in the
    /// session's scope. If the session does not exist or has ended, the callback `gone` is called.
    void terminate(const std::string& id);

    /// Calls logind's method KillSession(id, "all", signal). If logind does not know the session, the callback `gone`
    /// is called.
    void kill_all(const std::string& id, int signal);

    /// Calls logind's method LockSession, which asks the program that shows the session's screen to lock the screen.
    void lock(const std::string& id);

    /// Requests the duration for which the IdleHint of a logind session has been set. `then` receives this duration, or
    /// 0 if the hint is not set. If logind does not answer, `then` is not called. The duration does not include time
    /// during which the host was suspended.
    void ask_idle_hint(const std::string& id, std::function<void(Duration)> then);

    /// Returns the settings with which logind stops idle sessions, as last read. They are read after each connection to
    /// the bus and each restart of logind. StopIdleSessionSec is also read for each new session, because logind may
    /// have reloaded its configuration, and applies the setting to new sessions only.
    [[nodiscard]] const IdleStop& idle_stop() const noexcept;

    /// Function that receives the properties of one logind session. It receives nullopt if the session does not exist
    /// or logind did not answer.
    using SessionAnswer = std::function<void(std::optional<core::LogindSession>)>;

    /// Requests the properties of a logind session. `then` is called once, but not if the connection to the bus is lost
    /// before the reply. If logind does not know the session, the callback `gone` is called as well.
    void ask_session(const std::string& id, SessionAnswer then);

    /// Requests the properties of the session to which a process belongs according to its cgroup (logind's method
    /// GetSessionByPID). `then` is called once, but not if the connection to the bus is lost before the reply.
    void ask_session_of(pid_t pid, const SessionAnswer& then);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit::logind
