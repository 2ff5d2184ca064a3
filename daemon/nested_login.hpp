// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/event.hpp"
#include "daemon/logind/logind.hpp"

#include <functional>
#include <set>
#include <string>
#include <utility>

namespace sesslimit {

/// Check that distinguishes logins in another session from logins for which pam_systemd has already opened a session.
///
/// The module reports both kinds as nested, because both run in a session scope. A login is a separate session if its
/// process is the leader of the scope. In addition, the logind session of the scope must belong to the same user. Such
/// a login occurs if the module comes after pam_systemd in the PAM stack. This order is reported in the journal once
/// per service.
class NestedLogin final : public core::EventSink {
  public:
    struct Dependencies {
        logind::Logind& logind;
        core::EventSink& events; ///< receives every event after the check
        /// Returns true if the policy ignores the PAM service. Its logins are passed on without a check.
        std::function<bool(const std::string& service)> is_ignored;
        std::function<void(const std::string&)> warn; ///< writes an escaped message to the journal
    };

    /// Lifetime: the referenced objects must outlive this object.
    explicit NestedLogin(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

    /// Handles OpenRequested of a nested login and RequestAborted of such a login.
    ///
    /// Asks logind for the leader of the login's scope, and passes the event on when logind has answered. The login is
    /// changed to not nested if its process is the leader. If logind does not answer, the login stays nested. If the
    /// bus connection is lost in the meantime, the event is discarded and the module times out. It is also discarded if
    /// the module no longer waits.
    void handle(core::Event event) override;

  private:
    void check(core::OpenRequested login);
    void warn_about(const std::string& service);

    Dependencies dependencies_;
    std::set<RequestId> pending_;
    std::set<std::string> warned_; ///< PAM services with a warning; at most max_warned
};

} // namespace sesslimit
