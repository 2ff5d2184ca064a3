// SPDX-License-Identifier: MIT
#include "daemon/nested_login.hpp"

#include "common/clock.hpp"
#include "common/text.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <variant>

namespace sesslimit {
namespace {

/// Maximum number of PAM services for which a wrong order of the PAM modules is logged. A host has a few dozen PAM
/// services.
constexpr std::size_t max_warned = 64;

/// Returns true if logind opened `session` for this login, and not for an earlier login in whose session this login
/// runs.
bool is_session_of(const core::LogindSession& session, const core::OpenRequested& login) {
    return session.leader.pid != 0 && may_be_same(session.leader, login.leader) &&
           session.login.uid == login.login.uid && core::is_login_class(session.session_class);
}

/// Returns true if the login comes from another host. A server that was started in a session, such as an sshd for
/// tests, runs in the scope of that session, but its logins are not part of the session.
bool is_remote(const Login& login) {
    // With the option pam_rhost of sudoers(5), sudo sets PAM_RHOST too, and also PAM_RUSER.
    return !login.connection.empty() || (!login.rhost.empty() && login.ruser.empty());
}

} // namespace

void NestedLogin::handle(core::Event event) {
    if (const auto* aborted = std::get_if<core::RequestAborted>(&event)) {
        pending_.erase(aborted->request);
    }
    auto* opened = std::get_if<core::OpenRequested>(&event);
    if (opened == nullptr || dependencies_.is_ignored(opened->login.service)) {
        return dependencies_.events.handle(std::move(event));
    }
    check(std::move(*opened));
}

void NestedLogin::check(core::OpenRequested login) {
    const pid_t pid = login.leader.pid;
    pending_.insert(login.request);
    dependencies_.logind.ask_session_of(
        pid, [this, login = std::move(login), asked = boottime_now()](const auto& session) mutable {
            if (pending_.erase(login.request) == 0) {
                return;
            }
            if (session && is_session_of(*session, login)) {
                login.login.nested = false;
                warn_about(login.login.service);
            } else if (is_remote(login.login)) {
                login.login.nested = false;
            }
            login.budget = std::max(Duration{}, login.budget - (boottime_now() - asked));
            dependencies_.events.handle(std::move(login));
        });
}

void NestedLogin::warn_about(const std::string& service) {
    if (warned_.size() >= max_warned || !warned_.insert(service).second) {
        return;
    }
    dependencies_.warn("PAM service " + escape_for_display(service) +
                       " runs pam_sesslimit.so after pam_systemd.so. "
                       "Limits are enforced, but the logind session of a denied login stays open for some seconds. "
                       "Move the line of pam_sesslimit.so before the line of pam_systemd.so in /etc/pam.d.");
}

} // namespace sesslimit
