// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <optional>
#include <string_view>

namespace sesslimit {

/// Parses the text of /proc/PID/loginuid. Returns nullopt if the text is not a number, and for 4294967295, which means
/// that the process does not descend from a login (the value is AUDIT_UID_UNSET in include/uapi/linux/audit.h).
std::optional<uid_t> parse_login_uid(std::string_view text) noexcept;

/// Returns the login UID of the process with the PID `pid`, to which `pidfd` refers. pam_loginuid(8) sets the login UID
/// at login, and su, sudo and pkexec keep it. Returns nullopt if it is not set, if the process has exited, or if the
/// kernel does not support auditing.
///
/// `owner` is compared with the owner of the process, unless it is absent. The result is nullopt if they differ.
std::optional<uid_t> login_uid_of(int pidfd, pid_t pid, std::optional<uid_t> owner) noexcept;

} // namespace sesslimit
