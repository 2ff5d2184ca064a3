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

/// Process with values from /proc/PID/stat.
struct Process {
    pid_t pid = 0;
    pid_t parent = 0;
    /// ID of the kernel session to which the process belongs (setsid(2)).
    pid_t session = 0;
    /// Device number of the controlling terminal, or 0 if the process does not have one.
    dev_t terminal = 0;
    /// Name of the process, at most 15 bytes. The user can set the name to any bytes.
    std::string command;
    bool operator==(const Process&) const = default;
};

/// Returns at most `max_processes` processes in a control group of the unified hierarchy, in the order of the kernel.
/// Processes in child groups are not included. Returns an empty list if the control group is empty or does not exist.
/// Errors: EMFILE, ENFILE, ENOMEM (kernel_file.hpp).
inline constexpr std::size_t max_processes = 4096;
Result<std::vector<Process>> processes_in(const std::filesystem::path& group, const SysPaths& roots = {});

} // namespace sesslimit::inspect
