// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

namespace sesslimit {

/// A process identifier that is unique within one boot. It consists of the PID and a mark that distinguishes the
/// process from others that have the same PID at other times.
struct Leader {
    /// Bit set in marks that are the inode of a pidfd (common/pidfd.hpp). All other marks are start times in clock
    /// ticks after boot (proc_pid_stat(5), field 22).
    static constexpr std::uint64_t by_inode = std::uint64_t{1} << 63;

    pid_t pid = 0;          ///< process ID; 0: no process
    std::uint64_t mark = 0; ///< inode of the pidfd, or start time; 0: not known
    auto operator<=>(const Leader&) const = default;
};

/// Returns true if both may be the same process. Marks of different kinds cannot be compared and are ignored. Different
/// kinds occur because a ledger can contain start times written by an earlier version of the daemon.
constexpr bool may_be_same(const Leader& one, const Leader& other) noexcept {
    const bool comparable = one.mark != 0 && other.mark != 0 && ((one.mark ^ other.mark) & Leader::by_inode) == 0;
    return one.pid == other.pid && (!comparable || one.mark == other.mark);
}

/// Selected fields of /proc/PID/stat.
struct ProcessStat {
    std::uint64_t start = 0; ///< start time in clock ticks after boot, field 22
    dev_t terminal = 0;      ///< controlling terminal as a number of makedev(3), field 7; 0: no terminal
    pid_t parent = 0;        ///< PID of the parent, field 4; 0: no parent, or a parent outside of the PID namespace
    pid_t session = 0;       ///< kernel session ID of setsid(2), field 6
};

/// Upper bound of /proc/PID/stat in bytes: 52 numbers of at most 20 digits, and a command of at most 64 bytes.
inline constexpr std::size_t max_process_stat_length = 2048;

/// Parses the text of /proc/PID/stat (proc_pid_stat(5)). The user controls the command name, which may contain any
/// bytes. Fields are therefore counted after the last ')'. Returns nullopt if the text does not have that form.
std::optional<ProcessStat> parse_process_stat(std::string_view text) noexcept;

/// Returns the command name in the text of /proc/PID/stat, at most 15 bytes of it (TASK_COMM_LEN). The user controls
/// the name, which may contain any bytes. Returns an empty view if the text does not have that form. Lifetime: the
/// result is a view into the text.
std::string_view command_of(std::string_view stat_text) noexcept;

/// Reads and parses /proc/PID/stat of the process that currently has this PID. Errors: ESRCH if no such process exists.
/// Any other errno value means that the process may still be alive, such as EMFILE, ENFILE, ENOMEM, or EACCES if /proc
/// hides the process.
std::expected<ProcessStat, int> read_process_stat(pid_t pid) noexcept;

/// Returns true if the text of /proc/PID/cgroup names a logind session scope, or a cgroup below one, in the unified
/// hierarchy: /user.slice/user-UID.slice/session-ID.scope (systemd's src/login/logind-session.c). A scope of that name
/// at another location was not created by logind. Users can create such a scope below their service manager.
bool in_session_scope(std::string_view cgroup_text) noexcept;

} // namespace sesslimit
