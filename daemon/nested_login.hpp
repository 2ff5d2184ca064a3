// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/event.hpp"
#include "daemon/logind/logind.hpp"

#include <functional>
#include <set>
#include <string>
#include <utility>

namespace sesslimit {

/// Tells logins that are part of another session from logins whose session pam_systemd has opened already.
///
/// The module reports both as nested, because both run in a session scope. A login is a session of its own if its
/// process is the leader of that scope, and logind has the scope for a login of the same user. That is the case if the
/// module stands after pam_systemd in the PAM stack, which is reported in the journal once for each service.
class NestedLogin {
  public:
    using Then = std::function<void(core::OpenRequested)>;

    /// `logind` must outlive this object. `warn` writes a message, safe to show, to the journal.
    NestedLogin(logind::Logind& logind, std::function<void(const std::string&)> warn)
        : logind_(logind), warn_(std::move(warn)) {}

    /// Asks logind for the leader of the scope, and calls `then` with the login, no longer nested if its process is the
    /// leader. If logind does not answer, the login stays nested. `then` is not called if the bus is lost meanwhile:
    /// the module's own timeout decides then.
    void check(core::OpenRequested login, Then then);

    /// Forgets a login whose module no longer waits: `then` is not called.
    void forget(RequestId request) { pending_.erase(request); }

  private:
    void warn_about(const std::string& service);

    logind::Logind& logind_;
    std::function<void(const std::string&)> warn_;
    std::set<RequestId> pending_;
    std::set<std::string> warned_; ///< PAM services; at most max_warned
};

} // namespace sesslimit
