// SPDX-License-Identifier: MIT
#pragma once

#include "common/process.hpp"
#include "common/unique_fd.hpp"

#include <sys/types.h>

#include <cstdint>
#include <expected>

/// Processes identified by a pidfd (pidfd_open(2)), which refers to one process even if its PID is reused. The
/// functions do not throw. Errors are errno values. ESRCH means that the process no longer exists. Any other error (out
/// of descriptors or memory, or a process hidden in /proc) means that the process may still be alive.
namespace sesslimit {

/// Opens a pidfd of the process that currently has this PID. The descriptor is close-on-exec.
std::expected<UniqueFd, int> open_pidfd(pid_t pid) noexcept;

/// Identifies the process of a pidfd whose PID is known. Uses the inode of the pidfd if the kernel has a file system of
/// pidfds (Linux 6.9). In that file system, two processes of one boot never share an inode (fs/pidfs.c). Otherwise uses
/// the start time. Errors: ESRCH if the process has exited and only its start time could identify it.
std::expected<Leader, int> identify(int pidfd, pid_t pid) noexcept;

/// Identifies the process that currently has this PID.
std::expected<Leader, int> identify(pid_t pid) noexcept;

/// Returns true if the process of this pidfd is `leader`. The pidfd must have been opened from the leader's PID.
/// Returns true if the leader's mark is not known. Compares by the kind of the leader's mark, even if identify() would
/// use the other kind. Errors: EACCES, and not false, if a security module denies access to the inode of the pidfd.
std::expected<bool, int> is_leader(int pidfd, const Leader& leader) noexcept;

/// Returns true if the process has not exited. A zombie has exited.
bool lives(int pidfd) noexcept;

} // namespace sesslimit
