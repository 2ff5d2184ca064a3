// SPDX-License-Identifier: MIT
#pragma once

#include "common/unique_fd.hpp"

#include <sys/types.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

namespace sesslimit {

/// The identity of a session's leader, which is the process that opened the session. It consists of the PID and a mark.
/// The mark distinguishes the leader from earlier and later processes with the same PID.
struct Leader {
    /// Bit of `mark` that is set if the mark is the inode of a pidfd. If the bit is not set, the mark is the start time
    /// of the process in clock ticks after boot (proc_pid_stat(5), field 22).
    static constexpr std::uint64_t by_inode = std::uint64_t{1} << 63;

    pid_t pid = 0;          ///< Process ID, or 0 for no process.
    std::uint64_t mark = 0; ///< Mark of the process, which is the inode of its pidfd or its start time; 0 if not known.
    auto operator<=>(const Leader&) const = default;
};

/// Returns true if `one` and `other` may be the same process. The PIDs must be equal. The marks must also be equal if
/// both are known and both are inodes of pidfds or both are start times.
constexpr bool may_be_same(const Leader& one, const Leader& other) noexcept {
    const bool comparable = one.mark != 0 && other.mark != 0 && ((one.mark ^ other.mark) & Leader::by_inode) == 0;
    return one.pid == other.pid && (!comparable || one.mark == other.mark);
}

/// Selected fields of /proc/PID/stat.
struct ProcessStat {
    std::uint64_t start = 0; ///< Start time of the process in clock ticks after boot, field 22 of /proc/PID/stat.
    dev_t terminal = 0;      ///< Controlling terminal as a number of makedev(3), field 7; 0 for no terminal.
    pid_t parent = 0;        ///< PID of the parent, field 4; 0 for no parent or a parent outside of the PID namespace.
    pid_t session = 0;       ///< Kernel session ID of setsid(2), field 6.
    /// CPU time of the process and of its children that it has waited for, in clock ticks, sum of the fields 14 to 17.
    std::uint64_t processor_ticks = 0;
};

/// Upper bound of the length of /proc/PID/stat in bytes, for 52 numbers of at most 20 digits and a command name of at
/// most 64 bytes.
inline constexpr std::size_t max_process_stat_length = 2048;

/// Parses the text of /proc/PID/stat (proc_pid_stat(5)). The user of the process controls the command name, which may
/// contain any bytes. Therefore the fields are counted from the last ')' in the text, which ends the command name.
/// Returns nullopt if the text is malformed.
std::optional<ProcessStat> parse_process_stat(std::string_view text) noexcept;

/// Returns the command name in the text of /proc/PID/stat, at most 15 bytes of it (TASK_COMM_LEN). The user of the
/// process controls the name, which may contain any bytes. Returns an empty view if the text is malformed. Lifetime:
/// the result is a view into the text.
std::string_view command_of(std::string_view stat_text) noexcept;

/// Reads and parses /proc/PID/stat of the process that currently has the PID `pid`. Errors: ESRCH if the process does
/// not exist. Any other errno value means that the process may still be alive, such as EMFILE, ENFILE, ENOMEM, or
/// EACCES if /proc hides the process.
std::expected<ProcessStat, int> read_process_stat(pid_t pid) noexcept;

/// Returns true if the text of /proc/PID/cgroup names a session scope of logind, or a cgroup below a session scope. The
/// path in the unified hierarchy must be /user.slice/user-UID.slice/session-ID.scope (systemd's
/// src/login/logind-session.c). A scope with such a name at another location is ignored, because users can create one
/// below their service manager.
bool in_session_scope(std::string_view cgroup_text) noexcept;

// The following functions identify a process by a pidfd (pidfd_open(2)), which refers to the same process even if its
// PID is reused. The functions do not throw. Errors are errno values. ESRCH means that the process no longer exists.
// Any other error (out of descriptors or memory, or a process hidden in /proc) means that the process may still be
// alive.

/// Opens a pidfd of the process that currently has the PID `pid`. The descriptor is close-on-exec.
std::expected<UniqueFd, int> open_pidfd(pid_t pid) noexcept;

/// Returns the PID and the mark of the process to which `pidfd` refers. The mark distinguishes processes with the same
/// PID. It is the inode of the pidfd if the kernel has a file system of pidfds (Linux 6.9), because every process since
/// boot has a different inode there (fs/pidfs.c). Otherwise the mark is the start time of the process. Errors: ESRCH if
/// the process has exited and only its start time could identify it.
std::expected<Leader, int> identify(int pidfd, pid_t pid) noexcept;

/// Returns the PID and the mark (inode of the pidfd, or start time) of the process that currently has the PID `pid`.
std::expected<Leader, int> identify(pid_t pid) noexcept;

/// Returns true if `pidfd` refers to `leader`, the process that opened a login session. The pidfd must have been opened
/// by the PID of the leader. Compares the inode of the pidfd or the start time of the process, depending on which of
/// them `leader.mark` contains. Returns true if `leader.mark` is 0, which means not known. Errors: EACCES if a security
/// module denies access to the inode of the pidfd.
std::expected<bool, int> is_leader(int pidfd, const Leader& leader) noexcept;

/// Returns true if the process to which `pidfd` refers has not exited. A zombie counts as exited.
bool lives(int pidfd) noexcept;

} // namespace sesslimit
