// SPDX-License-Identifier: MIT
#pragma once

#include "pam/arguments.hpp"
#include "pam/ending.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace sesslimit::pam {

/// The reaction of the module to an ending.
struct Answer {
    int code = 0;     ///< PAM return code: PAM_SUCCESS, PAM_PERM_DENIED or PAM_SESSION_ERR
    int priority = 0; ///< priority of syslog(3); LOG_DEBUG entries are logged with `debug` only
    const char* log;  ///< event text for the log
    const char* text; ///< text for the user if the daemon sent none; null: no text
};

/// Returns the answer to an ending. One table contains all answers. `root` is true if the user is known and has uid 0.
/// A failure never denies a login of uid 0.
Answer answer_to(RequestOutcome ending, OnError on_error, bool root) noexcept;

/// Copies `text` to `out` as a NUL-terminated text. Removes control characters other than newline and tab, and newlines
/// at the end. Truncates the text if `out` is too small. `out` must have at least one byte. One message may contain
/// several lines, because sshd (sshpam_store_conv in auth-pam.c) and login (misc_conv(3)) pass a message on unchanged
/// and add a newline.
void clean_text(std::string_view text, std::span<char> out) noexcept;

} // namespace sesslimit::pam
