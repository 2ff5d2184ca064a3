// SPDX-License-Identifier: MIT
#include "daemon/watch/terminals.hpp"

#include "daemon/watch/kernel_file.hpp"
#include "daemon/watch/processes.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <chrono>
#include <sstream>
#include <utility>

namespace sesslimit::watch {
namespace {

// Documentation/admin-guide/devices.txt: 136 to 143 are Unix98 pty slaves, 256 of them each; 4 minor 1 to 63 are
// virtual consoles.
constexpr unsigned first_pty_major = 136;
constexpr unsigned last_pty_major = 143;
constexpr unsigned console_major = 4;
constexpr unsigned last_console = 63;

/// Linux 6.18 has a few lines, each a word and a name.
constexpr std::size_t longest_uevent = 4096;

/// Some 30,000 years from the epoch: later than any clock of a host, and far from the end of what a Span can hold.
constexpr time_t latest_second = 1'000'000'000'000;

using Stat = struct stat;

Result<std::optional<Span>> youngest(const std::vector<Terminal>& terminals, const Roots& roots,
                                     timespec Stat::* clock) {
    std::optional<Span> youngest;
    for (const Terminal& terminal : terminals) {
        Stat at{};
        // A number may have been given to another terminal since; a real one is told by it. Tests have plain files.
        const bool is_there = ::stat((roots.dev / terminal.name).c_str(), &at) == 0;
        if (!is_there && keeps_from_telling(errno)) {
            return fail_errno("look at " + terminal.name);
        }
        if (!is_there || (S_ISCHR(at.st_mode) && at.st_rdev != terminal.device)) {
            continue;
        }
        // Their owner may have written any time there (utimensat(2)).
        const timespec& time = at.*clock;
        const auto seconds = std::chrono::seconds(std::clamp<time_t>(time.tv_sec, 0, latest_second));
        const auto moment = std::chrono::duration_cast<Span>(seconds + std::chrono::nanoseconds(time.tv_nsec));
        youngest = std::max(youngest.value_or(moment), moment);
    }
    return youngest;
}

} // namespace

Result<std::optional<std::string>> terminal_name(dev_t device, const Roots& roots) {
    const unsigned major = gnu_dev_major(device);
    const unsigned minor = gnu_dev_minor(device);
    if (major >= first_pty_major && major <= last_pty_major) {
        return "pts/" + std::to_string((major - first_pty_major) * 256 + minor);
    }
    if (major == console_major && minor >= 1 && minor <= last_console) {
        return "tty" + std::to_string(minor);
    }
    const std::string number = std::to_string(major) + ":" + std::to_string(minor);
    auto text = read_kernel_file(roots.sys / "dev/char" / number / "uevent", longest_uevent);
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

Result<std::vector<Terminal>> terminals_of(const warden::Session& session, const Roots& roots) {
    const auto scope = scope_of(session, roots);
    if (!scope) {
        return std::vector<Terminal>{};
    }
    auto processes = processes_in(*scope, roots);
    if (!processes) {
        return std::unexpected(std::move(processes.error()));
    }
    std::vector<dev_t> devices;
    for (const Process& process : *processes) {
        if (process.terminal != 0) {
            devices.push_back(process.terminal);
        }
    }
    std::ranges::sort(devices);
    const auto repeats = std::ranges::unique(devices);
    devices.erase(repeats.begin(), repeats.end());

    std::vector<Terminal> terminals;
    for (const dev_t device : devices) {
        auto name = terminal_name(device, roots);
        if (!name) {
            return std::unexpected(std::move(name.error()));
        }
        if (*name) {
            terminals.push_back({device, **std::move(name)});
        }
    }
    return terminals;
}

Result<std::optional<Span>> youngest_input(const std::vector<Terminal>& terminals, const Roots& roots) {
    return youngest(terminals, roots, &Stat::st_atim);
}

Result<std::optional<Span>> youngest_output(const std::vector<Terminal>& terminals, const Roots& roots) {
    return youngest(terminals, roots, &Stat::st_mtim);
}

} // namespace sesslimit::watch
