// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/inspect/cgroup_paths.hpp"

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace sesslimit::inspect {

/// One process, as /proc/PID/stat has it.
struct Process {
    pid_t pid = 0;
    pid_t parent = 0;
    pid_t session = 0;   ///< the kernel's, setsid(2)
    dev_t terminal = 0;  ///< controlling terminal; 0: none
    std::string command; ///< its name, which is the user's and may hold anything. At most 15 bytes
    bool operator==(const Process&) const = default;
};

/// The processes in a group of the unified hierarchy, not those in groups below it, in the order of the kernel. Not
/// more than `max_processes` are looked at. Empty: there are none, or there is no such group. Fails where nobody can
/// tell (kernel_file.hpp).
inline constexpr std::size_t max_processes = 4096;
Result<std::vector<Process>> processes_in(const std::filesystem::path& group, const SysPaths& roots = {});

} // namespace sesslimit::inspect
