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

/// A process by a name that is never given twice in one boot: its pid, and a mark that tells it from the others that
/// have that pid at other times.
struct Leader {
    /// Set in marks that are the inode of a pidfd (common/pidfd.hpp). All others are starts, in clock ticks after boot
    /// (proc_pid_stat(5), field 22).
    static constexpr std::uint64_t by_inode = std::uint64_t{1} << 63;

    pid_t pid = 0;          ///< 0: none
    std::uint64_t mark = 0; ///< 0: not known
    auto operator<=>(const Leader&) const = default;
};

/// Whether both may be the same process. Marks of two kinds tell no difference: a ledger can hold starts of an earlier
/// version of the daemon.
constexpr bool may_be_same(const Leader& one, const Leader& other) noexcept {
    const bool comparable = one.mark != 0 && other.mark != 0 && ((one.mark ^ other.mark) & Leader::by_inode) == 0;
    return one.pid == other.pid && (!comparable || one.mark == other.mark);
}

/// What /proc/PID/stat says of a process.
struct ProcessStat {
    std::uint64_t start = 0; ///< clock ticks after boot, field 22
    dev_t terminal = 0;      ///< controlling terminal, field 7, as makedev(3) has it; 0: none
    pid_t parent = 0;        ///< field 4; 0: none, or one outside of the pid namespace
    pid_t session = 0;       ///< the kernel's, setsid(2), field 6
};

/// No text of /proc/PID/stat is longer: 52 numbers of at most 20 digits, and a command of at most 64 bytes.
inline constexpr std::size_t max_process_stat_length = 2048;

/// Reads the text of /proc/PID/stat (proc_pid_stat(5)). The command name in it is the user's and may hold anything,
/// so fields are counted after its last ')'. Nothing when the text is not of that form.
std::optional<ProcessStat> parse_process_stat(std::string_view text) noexcept;

/// The command name in it, which is the user's and may hold anything: at most 15 bytes of it (TASK_COMM_LEN). Empty
/// when the text is not of that form. Lives as long as the text.
std::string_view command_of(std::string_view stat_text) noexcept;

/// What parse_process_stat() says of the process that has this pid. Fails with ESRCH where none has it any more, and
/// with another errno where nobody can tell, for want of descriptors or of memory, or because /proc hides it (EACCES):
/// then it may well be alive.
std::expected<ProcessStat, int> read_process_stat(pid_t pid) noexcept;

/// Returns true if the text of /proc/PID/cgroup names a logind session scope, or a cgroup below one, in the unified
/// hierarchy: /user.slice/user-UID.slice/session-ID.scope (systemd's src/login/logind-session.c). A scope of that name
/// elsewhere is not one of logind's: users can create one below their service manager.
bool in_session_scope(std::string_view cgroup_text) noexcept;

} // namespace sesslimit
