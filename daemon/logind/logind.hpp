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

/// What logind has to tell. All are called from the loop.
struct Callbacks {
    /// A session, new or of the first list. Its Login is what logind says: no groups, no credential.
    /// One whose leader has died is told of with a leader of pid 0.
    std::function<void(core::LogindSession)> appeared;
    std::function<void(std::string id)> gone;
    /// The ids of all its sessions, after the bus was reached and whenever logind was restarted; each of them that is
    /// new is told of by `appeared` afterwards.
    std::function<void(std::vector<std::string> ids)> listed;
    /// Every session of the last list has been told of.
    std::function<void()> caught_up;
    /// Something failed that an administrator should know; the connection is made anew where that can help.
    std::function<void(Error)> failed;
};

/// logind over the system bus (org.freedesktop.login1(5)). Every call is asynchronous: logind may be waiting for the
/// very login that waits for us. A bus that goes away is reached again when it is back.
class Logind {
  public:
    Logind(sd_event* loop, Callbacks callbacks);
    ~Logind();
    Logind(const Logind&) = delete;
    Logind& operator=(const Logind&) = delete;

    /// Begins to connect; what comes of it is told by the callbacks.
    void connect();

    /// TerminateSession: SIGTERM, and SIGHUP for shells, to all of the session's scope. A session that logind does not
    /// know (any more) is told by `gone`.
    void terminate(const std::string& id);

    /// KillSession(id, "all", SIGKILL). The same.
    void kill_all(const std::string& id);

    /// LockSession: whoever shows its screen is asked to lock it.
    void lock(const std::string& id);

    /// Asks for how long the session's IdleHint has said that nobody is there; `then` is called with that, 0 where
    /// somebody is, and not at all where logind does not answer. In suspend it does not grow.
    void ask_idle_hint(const std::string& id, std::function<void(Duration)> then);

    /// Receives what logind knows of one session. Without a value: logind has no such session, or did not answer.
    using SessionAnswer = std::function<void(std::optional<core::LogindSession>)>;

    /// Asks for the properties of a session. `then` is called once from the loop, but not if the bus is lost meanwhile.
    /// A session that logind does not know is also reported by `gone`.
    void ask_session(const std::string& id, SessionAnswer then);

    /// Asks for the session that a process belongs to by its cgroup (GetSessionByPID). `then` as for ask_session().
    void ask_session_of(pid_t pid, const SessionAnswer& then);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit::logind
