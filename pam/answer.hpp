// SPDX-License-Identifier: MIT
#pragma once

#include "pam/arguments.hpp"
#include "pam/ending.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace sesslimit::pam {

/// What an ending comes to.
struct Answer {
    int code = 0;     ///< for PAM: PAM_SUCCESS, PAM_PERM_DENIED or PAM_SESSION_ERR
    int priority = 0; ///< syslog(3)'s, LOG_DEBUG for what is logged with `debug` only
    const char* log;  ///< what happened, for the log
    const char* text; ///< for the user where the daemon sent none; null: nothing to say
};

/// The one table. `root`: the user is known and has uid 0, whom no failure keeps out.
Answer answer_to(RequestOutcome ending, OnError on_error, bool root) noexcept;

/// Copies `text` to `out` as a text that ends with NUL: without control characters other than newline and tab, without
/// newlines at its end, cut where `out` ends. `out` has room for one byte at least. One message may hold several
/// lines: sshd (sshpam_store_conv in auth-pam.c) and login (misc_conv(3)) pass it on as it is and add a newline.
void clean_text(std::string_view text, std::span<char> out) noexcept;

} // namespace sesslimit::pam
