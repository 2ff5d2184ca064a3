// SPDX-License-Identifier: MIT
#pragma once

#include <security/pam_modules.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace sesslimit::pam {

/// What a handle remembers from open to close (pam_set_data(3)).
struct SessionHandle {
    std::uint64_t session = 0; ///< 0: let in without being counted
    pid_t owner = 0;           ///< who opened it
};

/// Remembers an opened session of this process in place of what was there before. False where there is no memory.
/// A handle's data is freed in every process that has a copy of it, forked children too: freeing is all that happens.
[[nodiscard]] bool store_session(pam_handle_t* handle, std::uint64_t session) noexcept;

/// What the handle remembers; nothing where it never got a verdict.
std::optional<SessionHandle> remembered(const pam_handle_t* handle) noexcept;

} // namespace sesslimit::pam
