// SPDX-License-Identifier: MIT
#pragma once

#include "common/process.hpp"
#include "common/unique_fd.hpp"

#include <sys/types.h>

#include <cstdint>
#include <expected>

/// Processes held by a descriptor (pidfd_open(2)), which stands for one process whatever becomes of its pid. Nothing
/// here throws; every error is an errno: ESRCH where there is no such process any more, and another one where nobody
/// can tell, for want of descriptors or of memory, or because /proc hides it: then it may well be alive.
namespace sesslimit {

/// A pidfd of the process that has this pid now. Close-on-exec.
std::expected<UniqueFd, int> open_pidfd(pid_t pid) noexcept;

/// Who the process of this pidfd is, whose pid is known: by the inode of its pidfd where the kernel has a file system
/// of them (Linux 6.9), whose numbers no two processes of a boot share (fs/pidfs.c); else by its start. Fails with
/// ESRCH where it has exited and only its start could tell.
std::expected<Leader, int> identify(int pidfd, pid_t pid) noexcept;

/// The same of the process that has this pid now.
std::expected<Leader, int> identify(pid_t pid) noexcept;

/// Whether the process of this pidfd, which was made of the leader's pid, is that leader. True where the leader's mark
/// is not known. Compares by what the mark is of, also where identify() would go by something else. Returns an error,
/// and not false, if a security module denies the inode of the pidfd (EACCES).
std::expected<bool, int> is_leader(int pidfd, const Leader& leader) noexcept;

/// Whether the process has not exited. A zombie has.
bool lives(int pidfd) noexcept;

} // namespace sesslimit
