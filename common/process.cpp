// SPDX-License-Identifier: MIT
#include "common/process.hpp"

#include "common/text.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <optional>
#include <span>

namespace sesslimit {
namespace {

/// An iterator over the words of a line. A word is returned only if a separator follows it. Otherwise a truncated text
/// could end in a number with missing digits, and that number would be accepted.
class Words {
  public:
    explicit Words(std::string_view rest) noexcept : rest_(rest) {}

    std::optional<std::string_view> next() noexcept {
        const std::size_t end = rest_.find_first_of(" \n");
        if (end == 0 || end == std::string_view::npos) {
            return std::nullopt;
        }
        const std::string_view word = rest_.substr(0, end);
        rest_.remove_prefix(end + 1);
        return word;
    }

    template <class Number>
    std::optional<Number> next_number() noexcept {
        const auto word = next();
        Number value{};
        if (!word) {
            return std::nullopt;
        }
        const char* const end = word->data() + word->size();
        const auto [stop, error] = std::from_chars(word->data(), end, value);
        return error == std::errc{} && stop == end ? std::optional(value) : std::nullopt;
    }

    bool skip(int count) noexcept {
        while (count > 0 && next()) {
            --count;
        }
        return count == 0;
    }

  private:
    std::string_view rest_;
};

/// Decodes the number of a terminal, which the kernel prints as a signed int in the format of new_encode_dev()
/// (include/linux/kdev_t.h). Bits 8 to 19 contain the major number. Bits 0 to 7 contain the low 8 bits of the minor
/// number, and bits 20 to 31 contain its high 12 bits.
dev_t decode_terminal(std::int32_t printed) noexcept {
    const auto packed = static_cast<std::uint32_t>(printed);
    return makedev((packed & 0xfff00U) >> 8U, (packed & 0xffU) | ((packed >> 12U) & 0xfff00U));
}

/// Returns the part of /proc/PID/stat that follows "PID (command) ". Returns nullopt if the text does not begin like
/// this.
std::optional<std::string_view> after_command(std::string_view text) noexcept {
    const std::size_t pid = std::min(text.find_first_not_of("0123456789"), text.size());
    const std::size_t close = text.rfind(')');
    if (pid == 0 || !text.substr(pid).starts_with(" (") || close == std::string_view::npos || close < pid + 2 ||
        !text.substr(close).starts_with(") ")) {
        return std::nullopt;
    }
    return text.substr(close + 2);
}

/// Reads a file with one call of read(2). If the kernel generates the file on reading, as in /proc, one call returns
/// the whole content that fits the buffer. Returns the number of bytes, or 0 on failure.
std::size_t read_once(int fd, std::span<char> into) noexcept {
    for (;;) {
        const ssize_t got = ::read(fd, into.data(), into.size());
        if (got >= 0 || errno != EINTR) {
            return static_cast<std::size_t>(std::max<ssize_t>(got, 0));
        }
    }
}

/// Returns the reason why /proc has no entry for a process. ESRCH means that the process has exited. EACCES means that
/// /proc hides the process (hidepid=, proc(5)). Any other value is the error of pidfd_open(2).
int why_not_there(pid_t pid) noexcept {
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    return pidfd ? EACCES : errno;
}

bool is_session_scope(std::string_view element) noexcept {
    constexpr std::string_view prefix = "session-";
    constexpr std::string_view suffix = ".scope";
    if (element.size() <= prefix.size() + suffix.size() || !element.starts_with(prefix) || !element.ends_with(suffix)) {
        return false;
    }
    // A session ID of logind consists of the characters that session_id_valid() in systemd's src/basic/login-util.c
    // accepts.
    const std::string_view id = element.substr(prefix.size(), element.size() - prefix.size() - suffix.size());
    return std::ranges::all_of(id,
                               [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
}

/// Removes the first element of a path and the slash after it. Returns the element without the slash.
std::string_view take_element(std::string_view& path) noexcept {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view element = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    return element;
}

/// Returns true if a path element is the name of a user's slice, such as "user-1000.slice".
bool is_user_slice(std::string_view element) noexcept {
    constexpr std::string_view prefix = "user-";
    constexpr std::string_view suffix = ".slice";
    return element.size() > prefix.size() + suffix.size() && element.starts_with(prefix) && element.ends_with(suffix) &&
           std::ranges::all_of(element.substr(prefix.size(), element.size() - prefix.size() - suffix.size()), is_digit);
}

/// Returns true if a cgroup path leads to or below a session scope of logind, directly below the slice of a user. Users
/// can give their own units any name, but only logind creates a scope directly below the slice of a user.
bool is_in_session_scope(std::string_view path) noexcept {
    return take_element(path).empty() && take_element(path) == "user.slice" && is_user_slice(take_element(path)) &&
           is_session_scope(take_element(path));
}

constexpr long pid_fs_magic = 0x50494446; // linux/magic.h, "PIDF"

/// Returns the inode number of a pidfd. Returns nullopt if the pidfds of different processes have the same inode, as
/// before Linux 6.9. Also returns nullopt if inode numbers have only 32 bits, because such numbers repeat. Errors: the
/// errno value of fstatfs(2) or fstat(2), such as EACCES if a security module denies the call.
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

std::optional<ProcessStat> parse_process_stat(std::string_view text) noexcept {
    const auto fields = after_command(text);
    if (!fields) {
        return std::nullopt;
    }
    Words words(*fields);
    const auto state = words.next();
    if (!state || state->size() != 1) {
        return std::nullopt;
    }
    const auto parent = words.next_number<pid_t>();
    if (!parent || !words.skip(1)) { // pgrp
        return std::nullopt;
    }
    const auto session = words.next_number<pid_t>();
    if (!session) {
        return std::nullopt;
    }
    const auto terminal = words.next_number<std::int32_t>();
    if (!terminal || !words.skip(6)) { // tpgid to cmajflt
        return std::nullopt;
    }
    std::uint64_t processor_ticks = 0;
    for (int field = 14; field <= 17; ++field) { // utime, stime, cutime, cstime
        const auto ticks = words.next_number<std::uint64_t>();
        if (!ticks) {
            return std::nullopt;
        }
        processor_ticks += *ticks;
    }
    if (!words.skip(4)) { // priority to itrealvalue
        return std::nullopt;
    }
    const auto start = words.next_number<std::uint64_t>();
    if (!start) {
        return std::nullopt;
    }
    return ProcessStat{.start = *start,
                       .terminal = decode_terminal(*terminal),
                       .parent = *parent,
                       .session = *session,
                       .processor_ticks = processor_ticks};
}

std::string_view command_of(std::string_view stat_text) noexcept {
    constexpr std::size_t longest = 15;
    if (!after_command(stat_text)) {
        return {};
    }
    const std::size_t open = stat_text.find('(');
    return stat_text.substr(open + 1, std::min(stat_text.rfind(')') - open - 1, longest));
}

std::expected<ProcessStat, int> read_process_stat(pid_t pid) noexcept {
    if (pid <= 0) {
        return std::unexpected(ESRCH);
    }
    constexpr std::string_view directory = "/proc/";
    std::array<char, 32> path{};
    std::ranges::copy(directory, path.begin());
    char* const end = std::to_chars(path.data() + directory.size(), path.data() + path.size(), pid).ptr;
    constexpr std::string_view file = "/stat";
    std::copy_n(file.data(), file.size() + 1, end);

    const UniqueFd fd(::open(path.data(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!fd) {
        const int error = errno;
        return std::unexpected(error == ENOENT ? why_not_there(pid) : error);
    }
    std::array<char, max_process_stat_length> text{};
    errno = ESRCH; // Result for an empty file.
    const std::size_t size = read_once(fd.get(), text);
    if (size == 0) {
        return std::unexpected(errno);
    }
    const auto stat = parse_process_stat({text.data(), size});
    return stat ? std::expected<ProcessStat, int>(*stat) : std::unexpected(EBADMSG);
}

bool in_session_scope(std::string_view cgroup_text) noexcept {
    constexpr std::string_view unified = "0::";
    while (!cgroup_text.empty()) {
        const std::size_t end = std::min(cgroup_text.find('\n'), cgroup_text.size());
        const std::string_view line = cgroup_text.substr(0, end);
        if (line.starts_with(unified) && is_in_session_scope(line.substr(unified.size()))) {
            return true;
        }
        cgroup_text.remove_prefix(std::min(end + 1, cgroup_text.size()));
    }
    return false;
}

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
    if (!start) {
        return std::unexpected(start.error());
    }
    return Leader{pid, *start};
}

std::expected<Leader, int> identify(pid_t pid) noexcept {
    const auto pidfd = open_pidfd(pid);
    if (!pidfd) {
        return std::unexpected(pidfd.error());
    }
    return identify(pidfd->get(), pid);
}

std::expected<bool, int> is_leader(int pidfd, const Leader& leader) noexcept {
    if (leader.mark == 0) {
        return true;
    }
    if ((leader.mark & Leader::by_inode) != 0) {
        const auto inode = inode_of(pidfd);
        if (!inode) {
            return std::unexpected(inode.error());
        }
        return *inode && (**inode | Leader::by_inode) == leader.mark;
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
