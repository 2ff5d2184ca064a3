// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/event.hpp"
#include "daemon/logind/logind.hpp"

#include <functional>
#include <set>
#include <string>
#include <utility>

namespace sesslimit {

/// Check of the logins that the PAM module reports as nested, because they run in the scope of a logind session. Most
/// of these logins, such as su, run in the session of an earlier login. But if pam_sesslimit comes after pam_systemd in
/// the PAM stack, a login runs in its own session, which pam_systemd has just opened.
///
/// A server that an administrator started in a session, such as a second sshd, also runs in the scope of that session.
/// Its logins have a remote host, and are not nested.
///
/// A login runs in its own logind session if the process that opens the login is the leader of the session, and if the
/// session is a login session of the same user. A warning about the order of the PAM modules is then logged, once per
/// PAM service.
class NestedLogin final : public core::EventSink {
  public:
    struct Dependencies {
        logind::Logind& logind;
        /// Receiver to which the events are forwarded after the check.
        core::EventSink& events;
        /// Returns true if logins of the PAM service do not count as sessions according to the policy. Such logins are
        /// forwarded without a check.
        std::function<bool(const std::string& service)> is_ignored;
        /// Writes a message to the journal. The message is already escaped for display.
        std::function<void(const std::string&)> warn;
    };

    /// Lifetime: the objects that `dependencies` references must outlive the NestedLogin.
    explicit NestedLogin(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

    /// Handles the event OpenRequested of a login that the module reported as nested, and the event RequestAborted of
    /// such a login.
    ///
    /// Asks logind for the session of the process that opens the login. When logind has answered, forwards the event
    /// OpenRequested. If logind opened the session for this login, or if the login has a remote host, the login is
    /// marked as not nested. If logind does not answer or reports an error, a login without a remote host stays nested.
    ///
    /// The event OpenRequested is discarded if the PAM module no longer waits for the answer to the login request. It
    /// is also discarded if the connection to the bus is lost before logind has answered, and the PAM module then waits
    /// until its timeout.
    void handle(core::Event event) override;

  private:
    void check(core::OpenRequested login);
    void warn_about(const std::string& service);

    Dependencies dependencies_;
    /// Requests of logins for which logind has not answered yet.
    std::set<RequestId> pending_;
    /// PAM services for which a wrong order of the PAM modules was logged, at most max_warned.
    std::set<std::string> warned_;
};

} // namespace sesslimit
