// SPDX-License-Identifier: MIT
#pragma once

#include "common/protocol.hpp"
#include "pam/ending.hpp"
#include "pam/heap.hpp"

#include <security/pam_modules.h>

#include <array>
#include <cstddef>
#include <expected>

namespace sesslimit::pam {

/// The information about a login, from the PAM handle and the system. The texts in `request` are stored in the handle
/// and in this struct. Lifetime: valid until an item of the handle is set.
struct LoginInfo {
    wire::OpenRequest request; ///< Request to the daemon, complete except for `budget_ms`.
    bool root = false;         ///< True if the user is known to have uid 0; valid even after a failure.
    HeapArray<char> entry;     ///< Buffer for the texts of getpwnam_r(3).
    HeapArray<gid_t> gids;

    /// Names of the PAM items that were too long, for the log. The request omits or replaces these items.
    std::array<const char*, 6> dropped_items{};
    std::size_t left_out_count = 0;
};

/// Collects the information about a login. Queries the user database (NSS) for the user and for the user's groups,
/// which may block. `cgroup_file` is /proc/self/cgroup. If this file cannot be read, the login is treated as one
/// outside of any other session (not nested). On failure only `facts.root` is valid. If the database cannot be queried,
/// `facts.root` is true if the user name is "root".
std::expected<void, Failure> collect_login_info(const pam_handle_t* handle, const char* cgroup_file,
                                                LoginInfo& facts) noexcept;

/// Returns true if the PAM session belongs to the service manager of a user (PAM service systemd-user). systemd opens
/// such a session as part of a login that is still being opened. A denial or delay of this session would break the
/// login.
bool is_user_manager(const pam_handle_t* handle) noexcept;

/// Returns true if the program that opens the session can only show texts of a single line, without quotation marks and
/// backslashes (PAM service cockpit).
///
/// cockpit-session collects the texts of PAM_ERROR_MSG. If pam_open_session(3) fails, it inserts them into a string of
/// its JSON message "init" without escaping them (exit_init_problem() in Cockpit's src/session/session.c, earlier in
/// src/session/session-utils.c). If the result is not valid JSON, cockpit-ws closes the connection, and the login page
/// shows "Internal error in login process" (on_transport_closed() in src/ws/cockpitauth.c). Otherwise the text becomes
/// the reason phrase of an HTTP response (src/common/cockpitwebresponse.c), which cannot have several lines either.
bool needs_single_line(const pam_handle_t* handle) noexcept;

} // namespace sesslimit::pam
