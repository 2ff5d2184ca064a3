// SPDX-License-Identifier: MIT
#pragma once

#include "pam/arguments.hpp"
#include "pam/ending.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace sesslimit::pam {

/// The reaction of the PAM module to the outcome of a session request.
struct Answer {
    int code = 0;     ///< PAM return code: PAM_SUCCESS, PAM_PERM_DENIED or PAM_SESSION_ERR.
    int priority = 0; ///< Priority of the log message (syslog(3)). LOG_DEBUG is logged only with the argument `debug`.
    const char* log;  ///< Description of the outcome for the log.
    const char* text; ///< Text for the user if the daemon did not decide; null otherwise, or to show nothing.
};

/// Returns the reaction of the PAM module to the outcome of a session request. `root` is true if the user is known to
/// have uid 0. If the daemon did not decide, such a login is always admitted.
Answer answer_to(RequestOutcome ending, OnError on_error, bool root) noexcept;

/// Copies a message for the user from `text` to `out`, as a NUL-terminated text. Removes control characters other than
/// newline and tab, and removes newlines at the end. Truncates the text if `out` is too small. `out` must have at least
/// one byte. The message may contain several lines, because sshd (sshpam_store_conv in auth-pam.c) and login
/// (misc_conv(3)) pass it on unchanged and add a newline.
void clean_text(std::string_view text, std::span<char> out) noexcept;

/// Converts a message for the user, which is NUL-terminated, to a single line for a program that needs it
/// (needs_single_line()). Replaces each sequence of white space by one space, and removes it at the start. Replaces
/// double quotes by single quotes, and backslashes by slashes.
void make_single_line(char* text) noexcept;

} // namespace sesslimit::pam
