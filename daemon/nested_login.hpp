// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/event.hpp"
#include "daemon/logind/logind.hpp"

#include <functional>
#include <set>
#include <string>
#include <utility>

namespace sesslimit {

/// Distinguishes logins that are part of another session from logins whose session pam_systemd has already opened.
///
/// The module reports both as nested, because both run in a session scope. A login is a session of its own if its
/// process is the leader of that scope. In addition, logind must have the scope for a login of the same user. This
/// happens if the module comes after pam_systemd in the PAM stack, which is reported in the journal once per service.
class NestedLogin {
  public:
    using Then = std::function<void(core::OpenRequested)>;

    /// `warn` writes a message, which is already escaped, to the journal. Lifetime: `logind` must outlive this object.
    NestedLogin(logind::Logind& logind, std::function<void(const std::string&)> warn)
        : logind_(logind), warn_(std::move(warn)) {}

    /// Asks logind for the leader of the scope, and calls `then` with the login. The login is changed to not nested if
    /// its process is the leader. If logind does not answer, the login stays nested. `then` is not called if the bus
    /// connection is lost in the meantime. The timeout of the module applies then.
    void check(core::OpenRequested login, Then then);

    /// Discards a login whose module no longer waits. `then` is not called for it.
    void forget(RequestId request) { pending_.erase(request); }

  private:
    void warn_about(const std::string& service);

    logind::Logind& logind_;
    std::function<void(const std::string&)> warn_;
    std::set<RequestId> pending_;
    std::set<std::string> warned_; ///< PAM services; at most max_warned
};

} // namespace sesslimit
