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
class NestedLogin {
  public:
    using Then = std::function<void(core::OpenRequested)>;

    /// Takes the callback for warnings. `warn` writes an escaped message to the journal. Lifetime: `logind` must
    /// outlive this object.
    NestedLogin(logind::Logind& logind, std::function<void(const std::string&)> warn)
        : logind_(logind), warn_(std::move(warn)) {}

    /// Asks logind for the leader of the scope, and calls `then` with the login. The login is changed to not nested if
    /// its process is the leader. If logind does not answer, the login stays nested. If the bus connection is lost in
    /// the meantime, `then` is not called and the module times out.
    void check(core::OpenRequested login, Then then);

    /// Discards a login whose module no longer waits. `then` is not called for it.
    void forget(RequestId request) { pending_.erase(request); }

  private:
    void warn_about(const std::string& service);

    logind::Logind& logind_;
    std::function<void(const std::string&)> warn_;
    std::set<RequestId> pending_;
    std::set<std::string> warned_; ///< PAM services with a warning; at most max_warned
};

} // namespace sesslimit
