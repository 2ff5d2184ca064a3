// SPDX-License-Identifier: MIT
#include "daemon/inspect/cgroup_paths.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <utility>

namespace sesslimit::inspect {

std::string slice_name(uid_t uid) {
    return "user-" + std::to_string(uid) + ".slice";
}

std::filesystem::path slice_of(uid_t uid, const SysPaths& roots) {
    return roots.cgroup / "user.slice" / slice_name(uid);
}

bool is_unit_name(const std::string& name) {
    return !name.empty() && name.find('/') == std::string::npos && !name.starts_with('.');
}

std::optional<std::filesystem::path> scope_of(const core::Session& session, const SysPaths& roots) {
    return is_unit_name(session.scope) ? std::optional(slice_of(session.login.uid, roots) / session.scope)
                                       : std::nullopt;
}

std::string kept_scope_name(const core::Session& session) {
    // Only letters and digits of logind's session ID are copied to the name of the scope. Session IDs of logind do not
    // contain other characters (session_id_valid() in systemd's src/basic/login-util.c).
    std::string name(kept_prefix);
    std::ranges::copy_if(session.logind_id, std::back_inserter(name),
                         [](unsigned char c) { return std::isalnum(c) != 0; });
    return name + "-" + std::to_string(std::to_underlying(session.key)) + ".scope";
}

} // namespace sesslimit::inspect
