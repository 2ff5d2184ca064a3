// SPDX-License-Identifier: MIT
#pragma once

#include <security/pam_modules.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace sesslimit::pam {

/// Data that the PAM module stores in a PAM handle between the open and the close of a session (pam_set_data(3)).
struct SessionHandle {
    std::uint64_t session = 0; ///< Number of the session, or 0 for a login that was admitted without being counted.
    pid_t owner = 0;           ///< PID of the process that opened the session.
};

/// Stores the number of a session that the current process has opened in the PAM handle. Replaces earlier data. Returns
/// false if out of memory. Every process that has a copy of the handle frees the data, including forked children.
/// Therefore the cleanup function only frees memory, and does not close the session.
[[nodiscard]] bool store_session(pam_handle_t* handle, std::uint64_t session) noexcept;

/// Returns the data that store_session() has stored in the PAM handle, or nullopt if nothing was stored.
std::optional<SessionHandle> remembered(const pam_handle_t* handle) noexcept;

} // namespace sesslimit::pam
