// SPDX-License-Identifier: MIT
#include "common/pidfd.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

namespace sesslimit {
namespace {

constexpr long pid_fs_magic = 0x50494446; // linux/magic.h, "PIDF"

/// Returns the inode number of a pidfd. Returns nullopt if the kernel does not assign a separate inode to each process.
/// Also returns nullopt if inode numbers have only 32 bits, because such numbers repeat. Errors: the errno value of
/// fstatfs(2) or fstat(2), such as EACCES if a security module denies the call.
std::expected<std::optional<std::uint64_t>, int> inode_of(int pidfd) noexcept {
    struct statfs system{};
    struct stat file{};
    if (sizeof(long) < sizeof(std::uint64_t)) {
        return std::nullopt;
    }
    if (fstatfs(pidfd, &system) < 0) {
        return std::unexpected(errno);
    }
    if (system.f_type != pid_fs_magic) {
        return std::nullopt;
    }
    if (fstat(pidfd, &file) < 0) {
        return std::unexpected(errno);
    }
    return static_cast<std::uint64_t>(file.st_ino);
}

/// Returns the start time of the process with the PID `pid`, to which `pidfd` refers. After reading the time, checks
/// through the pidfd that the process is still alive. Therefore the returned time cannot be that of a later process
/// with the same PID.
std::expected<std::uint64_t, int> start_of(int pidfd, pid_t pid) noexcept {
    const auto stat = read_process_stat(pid);
    if (!stat) {
        return std::unexpected(stat.error());
    }
    return lives(pidfd) ? std::expected<std::uint64_t, int>(stat->start) : std::unexpected(ESRCH);
}

} // namespace

std::expected<UniqueFd, int> open_pidfd(pid_t pid) noexcept {
    // glibc versions before 2.36 do not have a wrapper for pidfd_open(2).
    UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd) {
        return std::unexpected(errno == EINVAL ? ESRCH : errno); // EINVAL means PID <= 0.
    }
    return pidfd;
}

std::expected<Leader, int> identify(int pidfd, pid_t pid) noexcept {
    if (pid <= 0) {
        return std::unexpected(ESRCH);
    }
    // If the inode of the pidfd cannot be read, the start time identifies the process, as on Linux before 6.9.
    if (const auto inode = inode_of(pidfd); inode && *inode) {
        return Leader{pid, **inode | Leader::by_inode};
    }
    const auto start = start_of(pidfd, pid);
    return start ? std::expected<Leader, int>(Leader{pid, *start}) : std::unexpected(start.error());
}

std::expected<Leader, int> identify(pid_t pid) noexcept {
    const auto pidfd = open_pidfd(pid);
    return pidfd ? identify(pidfd->get(), pid) : std::unexpected(pidfd.error());
}

std::expected<bool, int> is_leader(int pidfd, const Leader& leader) noexcept {
    if (leader.mark == 0) {
        return true;
    }
    if ((leader.mark & Leader::by_inode) != 0) {
        const auto inode = inode_of(pidfd);
        return inode ? std::expected<bool, int>(*inode && (**inode | Leader::by_inode) == leader.mark)
                     : std::unexpected(inode.error());
    }
    const auto start = start_of(pidfd, leader.pid);
    if (!start && start.error() != ESRCH) {
        return std::unexpected(start.error());
    }
    return start && *start == leader.mark;
}

bool lives(int pidfd) noexcept {
    pollfd exited{.fd = pidfd, .events = POLLIN, .revents = 0};
    return poll(&exited, 1, 0) == 0;
}

} // namespace sesslimit
