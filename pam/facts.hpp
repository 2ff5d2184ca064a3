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

/// All that the handle and the system say of a login. The request's texts belong to the handle and to this struct: it
/// is good until an item of the handle is set.
struct LoginInfo {
    wire::OpenRequest request; ///< all but its budget
    bool root = false;         ///< the user has uid 0; right as soon as the user is known, whatever fails after that
    HeapArray<char> entry;     ///< what getpwnam_r(3) filled
    HeapArray<gid_t> gids;

    /// Names of the items that were too long for a request and are not in it as they were, for the log.
    std::array<const char*, 6> dropped_items{};
    std::size_t left_out_count = 0;
};

/// Collects the facts. Asks the user database (NSS) for the user and for their groups; it may take its time.
/// `cgroup_file` is /proc/self/cgroup; where it cannot be read, the login is taken for one that is not nested.
/// On failure only `facts.root` means anything. Where the database cannot be asked, root is known by name.
std::expected<void, Failure> collect_login_info(const pam_handle_t* handle, const char* cgroup_file,
                                                LoginInfo& facts) noexcept;

/// Whether systemd asks for the user's own service manager. That one belongs to a login that is still being opened:
/// denying it, or waiting for it, would break that one.
bool is_user_manager(const pam_handle_t* handle) noexcept;

} // namespace sesslimit::pam
