// SPDX-License-Identifier: MIT
#pragma once

#include "pam/arguments.hpp"

#include <security/pam_modules.h>

namespace sesslimit::pam {

/// Implements pam_sm_open_session(3). Asks the daemon, informs the user, writes the log and returns the PAM code.
int open_session(pam_handle_t* handle, int flags, const Arguments& arguments) noexcept;

/// Implements pam_sm_close_session(3). Notifies the daemon. Failures are ignored, so that the session can always end.
void close_session(pam_handle_t* handle, const Arguments& arguments) noexcept;

} // namespace sesslimit::pam
