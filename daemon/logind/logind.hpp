// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/core/event.hpp"
#include "daemon/event_loop.hpp"

#include <systemd/sd-bus.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sesslimit::logind {

/// The callbacks for reports from logind. They are called from the event loop.
struct Callbacks {
    /// Called for a session that is new or in the first list. Its Login contains only logind's data, without groups and
    /// credential. If the leader has exited, the leader's pid is 0.
    std::function<void(core::LogindSession)> appeared;
    std::function<void(std::string id)> gone;
    /// Called with the IDs of all sessions after connecting to the bus and after each restart of logind. `appeared` is
    /// then called for each new session.
    std::function<void(std::vector<std::string> ids)> listed;
    /// Called after every session of the last list has been reported.
    std::function<void()> caught_up;
    /// Called for errors that concern the administrator. The connection is reestablished if this can resolve the error.
    std::function<void(Error)> failed;
};

/// A client of logind on the system bus (org.freedesktop.login1(5)). Every call is asynchronous, because logind may be
/// waiting for the same login that waits for the daemon. Reconnects when a lost bus returns.
class Logind {
  public:
    Logind(sd_event* loop, Callbacks callbacks);
    ~Logind();
    Logind(const Logind&) = delete;
    Logind& operator=(const Logind&) = delete;

    /// Starts to connect. Results are reported by the callbacks.
    void connect();

    /// Calls TerminateSession, which sends SIGTERM, and SIGHUP for shells, to the session's whole scope. A session that
    /// logind does not know (any more) is reported by `gone`.
    void terminate(const std::string& id);

    /// Calls KillSession(id, "all", SIGKILL). An unknown session is reported by `gone`.
    void kill_all(const std::string& id);

    /// Calls LockSession, which asks the program that shows the session's screen to lock it.
    void lock(const std::string& id);

    /// Requests the time since the session's IdleHint was set. `then` receives that time, or 0 if the hint is not set.
    /// `then` is not called if logind does not answer. The time does not advance during suspend.
    void ask_idle_hint(const std::string& id, std::function<void(Duration)> then);

    /// A function that receives the properties of one session. It receives nullopt if logind has no such session or did
    /// not answer.
    using SessionAnswer = std::function<void(std::optional<core::LogindSession>)>;

    /// Requests the properties of a session. `then` is called once from the loop, but not if the bus is lost meanwhile.
    /// A session that logind does not know is also reported by `gone`.
    void ask_session(const std::string& id, SessionAnswer then);

    /// Requests the session of a process by its cgroup (GetSessionByPID). `then` is called as by ask_session().
    void ask_session_of(pid_t pid, const SessionAnswer& then);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit::logind
