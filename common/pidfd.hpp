// SPDX-License-Identifier: MIT
#pragma once

#include "common/process.hpp"
#include "common/unique_fd.hpp"

#include <sys/types.h>

#include <cstdint>
#include <expected>

/// Functions that identify a process by a pidfd (pidfd_open(2)), which refers to the same process even if its PID is
/// reused. The functions do not throw. Errors are errno values. ESRCH means that the process no longer exists. Any
/// other error (out of descriptors or memory, or a process hidden in /proc) means that the process may still be alive.
namespace sesslimit {

/// Opens a pidfd of the process that currently has the PID `pid`. The descriptor is close-on-exec.
std::expected<UniqueFd, int> open_pidfd(pid_t pid) noexcept;

/// Returns the PID and the mark of the process to which `pidfd` refers. The mark is the inode of the pidfd if the
/// kernel has a file system of pidfds (Linux 6.9). This file system never gives two processes of one boot the same
/// inode (fs/pidfs.c). Otherwise the mark is the start time of the process. Errors: ESRCH if the process has exited and
/// only its start time could identify it.
std::expected<Leader, int> identify(int pidfd, pid_t pid) noexcept;

/// Returns the PID and the mark (inode of the pidfd, or start time) of the process that currently has the PID `pid`.
std::expected<Leader, int> identify(pid_t pid) noexcept;

/// Returns true if `pidfd` refers to `leader`, the process that opened a login session. The pidfd must have been opened
/// from the PID of the leader. Also returns true if the mark of the leader is not known. A mark is the inode of a pidfd
/// or a start time. The comparison uses the kind of the leader's mark, even if identify() would use the other kind.
/// Errors: EACCES, and not false, if a security module denies access to the inode of the pidfd.
std::expected<bool, int> is_leader(int pidfd, const Leader& leader) noexcept;

/// Returns true if the process to which `pidfd` refers has not exited. A zombie counts as exited.
bool lives(int pidfd) noexcept;

} // namespace sesslimit
