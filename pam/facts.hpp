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

/// The information that the handle and the system have about a login. The texts of the request belong to the handle and
/// to this struct. Lifetime: valid until an item of the handle is set.
struct LoginInfo {
    wire::OpenRequest request; ///< request, complete except for its budget
    bool root = false;         ///< true if the user has uid 0; valid once the user is known, even if a later step fails
    HeapArray<char> entry;     ///< buffer filled by getpwnam_r(3)
    HeapArray<gid_t> gids;

    /// Names of the items that were too long and are omitted from the request or replaced, for the log.
    std::array<const char*, 6> dropped_items{};
    std::size_t left_out_count = 0;
};

/// Collects the login information. Queries the user database (NSS) for the user and for the user's groups, which may
/// block. `cgroup_file` is /proc/self/cgroup. If this file cannot be read, the login is treated as not nested. On
/// failure only `facts.root` is valid. If the database cannot be queried, root is recognized by name.
std::expected<void, Failure> collect_login_info(const pam_handle_t* handle, const char* cgroup_file,
                                                LoginInfo& facts) noexcept;

/// Returns true if systemd opens the session of the user's own service manager. Such a session is part of a login that
/// is still being opened. A denial or delay of the session would break this login.
bool is_user_manager(const pam_handle_t* handle) noexcept;

} // namespace sesslimit::pam
