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
/// A login runs in its own logind session if its process is the leader of the session, and if the session is a login
/// session of the same user. A warning about the order of the PAM modules is then logged, once per PAM service.
class NestedLogin final : public core::EventSink {
  public:
    struct Dependencies {
        logind::Logind& logind;
        /// Receiver of the events that have passed the check.
        core::EventSink& events;
        /// Returns true if the policy ignores the PAM service. Logins of an ignored service are passed on without a
        /// check.
        std::function<bool(const std::string& service)> is_ignored;
        /// Writes a message to the journal. The message is already escaped for display.
        std::function<void(const std::string&)> warn;
    };

    /// Lifetime: the objects that `dependencies` references must outlive the NestedLogin.
    explicit NestedLogin(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

    /// Handles the event OpenRequested of a login that the module reported as nested, and the event RequestAborted of
    /// such a login.
    ///
    /// Asks logind for the session of the login's process, and passes the event OpenRequested on when logind has
    /// answered. If logind opened the session for this login, the login is changed to not nested. If logind does not
    /// answer, the login stays nested.
    ///
    /// The event is discarded if the PAM module no longer waits for the answer. It is also discarded if the connection
    /// to the bus is lost before logind has answered. In this case the module waits until its timeout.
    void handle(core::Event event) override;

  private:
    void check(core::OpenRequested login);
    void warn_about(const std::string& service);

    Dependencies dependencies_;
    /// Requests of logins for which logind has not answered yet.
    std::set<RequestId> pending_;
    /// PAM services about which a warning was logged, at most max_warned.
    std::set<std::string> warned_;
};

} // namespace sesslimit
