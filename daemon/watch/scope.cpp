// SPDX-License-Identifier: MIT
#include "daemon/watch/scope.hpp"

#include <string>

namespace sesslimit::watch {
namespace {

bool is_unit_name(const std::string& scope) {
    return !scope.empty() && scope.find('/') == std::string::npos && !scope.starts_with('.');
}

} // namespace

std::optional<std::filesystem::path> scope_of(const warden::Session& session, const Roots& roots) {
    if (!is_unit_name(session.scope)) {
        return std::nullopt;
    }
    // systemd.special(7): user.slice holds a user-UID.slice for each user, which holds the scopes of their sessions.
    return roots.cgroup / "user.slice" / ("user-" + std::to_string(session.login.uid) + ".slice") / session.scope;
}

} // namespace sesslimit::watch
