// SPDX-License-Identifier: MIT
#pragma once

#include "pam/arguments.hpp"

#include <security/pam_modules.h>

namespace sesslimit::pam {

/// Implements pam_sm_open_session(3). Asks the daemon whether to admit the login, informs the user, writes the log and
/// returns the PAM code.
int open_session(pam_handle_t* handle, int flags, const Arguments& arguments) noexcept;

/// Implements pam_sm_close_session(3). Notifies the daemon that the session has ended. Ignores failures, so that a
/// session can always end.
void close_session(pam_handle_t* handle, const Arguments& arguments) noexcept;

} // namespace sesslimit::pam
