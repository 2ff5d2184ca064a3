// SPDX-License-Identifier: MIT
#include "daemon/inspect/terminals.hpp"

#include "daemon/inspect/kernel_file.hpp"
#include "daemon/inspect/processes.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <sstream>
#include <utility>

namespace sesslimit::inspect {
namespace {

// Device numbers of terminals (Documentation/admin-guide/devices.txt). The majors 136 to 143 are Unix98 pty slaves,
// with 256 minors each. The minors 1 to 63 of major 4 are the virtual consoles.
constexpr unsigned first_pty_major = 136;
constexpr unsigned last_pty_major = 143;
constexpr unsigned console_major = 4;
constexpr unsigned last_console = 63;

/// Maximum size in bytes of a device's uevent file in sysfs. In Linux 6.18 the file has a few lines, each with a word
/// and a name.
constexpr std::size_t max_uevent_length = 4096;

/// Latest timestamp of a terminal that is accepted, in seconds, about 30,000 years after the epoch. The value is later
/// than the clock of any host, and far below the maximum of a Duration.
constexpr time_t latest_second = 1'000'000'000'000;

/// Maximum number of bytes that are read from /proc/PID/uid_map to compare the file with the daemon's own uid_map. The
/// file has at most 340 lines (user_namespaces(7)).
constexpr std::size_t max_uid_map_length = 4096;

using Stat = struct stat;

bool is_pty(dev_t device) noexcept {
    return gnu_dev_major(device) >= first_pty_major && gnu_dev_major(device) <= last_pty_major;
}

/// Returns the file status of the terminal's device node. Returns nothing if the node is gone, or now belongs to
/// another terminal or user.
Result<std::optional<Stat>> node_of(const Terminal& terminal, const SysPaths& roots) {
    Stat node{};
    if (::stat((roots.dev / terminal.name).c_str(), &node) == 0) {
        return is_node_of(node, terminal) ? std::optional(node) : std::nullopt;
    }
    if (keeps_from_telling(errno)) {
        return fail_errno("read the status of " + terminal.name);
    }
    return std::nullopt;
}

/// Returns true if at least one process of `pids` is in the daemon's user namespace, according to /proc/PID/uid_map.
/// Reading the uid_map of a process does not require the right to trace the process. In every user namespace that an
/// unprivileged user can create, the uid_map differs from the daemon's (user_namespaces(7)).
Result<bool> is_any_in_our_user_namespace(const std::vector<pid_t>& pids, const SysPaths& roots) {
    const auto ours = read_kernel_file(roots.proc / "self/uid_map", max_uid_map_length);
    if (!ours) {
        return std::unexpected(ours.error());
    }
    for (const pid_t pid : pids) {
        const auto its = read_kernel_file(roots.proc / std::to_string(pid) / "uid_map", max_uid_map_length);
        if (!its) {
            return std::unexpected(its.error());
        }
        if (*its == *ours) {
            return true;
        }
    }
    return false;
}

/// Returns the terminal of the host with the number `device`. `pids` are the processes whose controlling terminal has
/// this number. Returns nothing if the terminal does not belong to `owner`. Also returns nothing if the processes may
/// have a terminal with the same number in another instance of devpts.
Result<std::optional<Terminal>> terminal_of(dev_t device, uid_t owner, const std::vector<pid_t>& pids,
                                            const SysPaths& roots) {
    auto name = terminal_name(device, roots);
    if (!name) {
        return std::unexpected(std::move(name.error()));
    }
    if (!*name) {
        return std::nullopt;
    }
    Terminal terminal{.device = device, .name = **std::move(name), .owner = owner};
    const auto node = node_of(terminal, roots);
    if (!node) {
        return std::unexpected(node.error());
    }
    if (!*node) {
        return std::nullopt;
    }
    // The user namespace is checked only for ptys, because any other terminal has the same number in every namespace.
    const auto ours = is_pty(device) ? is_any_in_our_user_namespace(pids, roots) : Result<bool>(true);
    if (!ours) {
        return std::unexpected(ours.error());
    }
    return *ours ? std::optional(std::move(terminal)) : std::nullopt;
}

Result<std::optional<Duration>> youngest(const std::vector<Terminal>& terminals, const SysPaths& roots,
                                         timespec Stat::* clock) {
    std::optional<Duration> youngest;
    for (const Terminal& terminal : terminals) {
        const auto node = node_of(terminal, roots);
        if (!node) {
            return std::unexpected(node.error());
        }
        if (!*node) {
            continue;
        }
        // The timestamp of the terminal is limited to a plausible range, because the owner of the device node can set
        // its timestamps to any time (utimensat(2)).
        const timespec& time = (**node).*clock;
        const auto seconds = std::chrono::seconds(std::clamp<time_t>(time.tv_sec, 0, latest_second));
        const auto moment = std::chrono::duration_cast<Duration>(seconds + std::chrono::nanoseconds(time.tv_nsec));
        youngest = std::max(youngest.value_or(moment), moment);
    }
    return youngest;
}

} // namespace

bool is_node_of(const struct stat& node, const Terminal& terminal) noexcept {
    return S_ISCHR(node.st_mode) && node.st_rdev == terminal.device && node.st_uid == terminal.owner;
}

Result<std::optional<std::string>> terminal_name(dev_t device, const SysPaths& roots) {
    const unsigned major = gnu_dev_major(device);
    const unsigned minor = gnu_dev_minor(device);
    if (major >= first_pty_major && major <= last_pty_major) {
        return "pts/" + std::to_string((major - first_pty_major) * 256 + minor);
    }
    if (major == console_major && minor >= 1 && minor <= last_console) {
        return "tty" + std::to_string(minor);
    }
    const std::string number = std::to_string(major) + ":" + std::to_string(minor);
    auto text = read_kernel_file(roots.sys / "dev/char" / number / "uevent", max_uevent_length);
    if (!text) {
        return std::unexpected(std::move(text.error()));
    }
    std::istringstream uevent(std::move(*text).value_or(""));
    for (std::string line; std::getline(uevent, line);) {
        constexpr std::string_view key = "DEVNAME=";
        if (line.starts_with(key) && line.find("..") == std::string::npos) {
            return line.substr(key.size());
        }
    }
    return std::nullopt;
}

Result<std::vector<Terminal>> terminals_of(const core::Session& session, const SysPaths& roots) {
    auto processes = processes_of(session, roots);
    if (!processes) {
        return std::unexpected(std::move(processes.error()));
    }
    std::map<dev_t, std::vector<pid_t>> claims; // processes by controlling terminal
    for (const Process& process : *processes) {
        if (process.terminal != 0) {
            claims[process.terminal].push_back(process.pid);
        }
    }
    std::vector<Terminal> terminals;
    for (const auto& [device, pids] : claims) {
        auto terminal = terminal_of(device, session.login.uid, pids, roots);
        if (!terminal) {
            return std::unexpected(std::move(terminal.error()));
        }
        if (*terminal) {
            terminals.push_back(**std::move(terminal));
        }
    }
    return terminals;
}

Result<std::optional<Duration>> youngest_input(const std::vector<Terminal>& terminals, const SysPaths& roots) {
    return youngest(terminals, roots, &Stat::st_atim);
}

Result<std::optional<Duration>> youngest_output(const std::vector<Terminal>& terminals, const SysPaths& roots) {
    return youngest(terminals, roots, &Stat::st_mtim);
}

} // namespace sesslimit::inspect
