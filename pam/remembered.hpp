// SPDX-License-Identifier: MIT
#pragma once

#include <security/pam_modules.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace sesslimit::pam {

/// Data that a handle stores from open to close (pam_set_data(3)).
struct SessionHandle {
    std::uint64_t session = 0; ///< number of the session; 0 for a login that was admitted without being counted
    pid_t owner = 0;           ///< PID of the process that opened the session
};

/// Stores an opened session of this process in the handle, replacing earlier data. Returns false if out of memory.
/// Every process that has a copy of the handle frees the data, including forked children. The cleanup therefore only
/// frees memory.
[[nodiscard]] bool store_session(pam_handle_t* handle, std::uint64_t session) noexcept;

/// Returns the stored data, or nullopt if the handle never received a verdict.
std::optional<SessionHandle> remembered(const pam_handle_t* handle) noexcept;

} // namespace sesslimit::pam
