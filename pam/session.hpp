// SPDX-License-Identifier: MIT
#pragma once

#include "pam/arguments.hpp"

#include <security/pam_modules.h>

namespace sesslimit::pam {

/// pam_sm_open_session(3): asks the daemon, tells the user and the log, and gives PAM's code.
int open_session(pam_handle_t* handle, int flags, const Arguments& arguments) noexcept;

/// pam_sm_close_session(3): tells the daemon. Nothing that goes wrong here may keep a session from ending.
void close_session(pam_handle_t* handle, const Arguments& arguments) noexcept;

} // namespace sesslimit::pam
