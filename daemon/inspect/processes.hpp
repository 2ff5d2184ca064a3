// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "common/result.hpp"
#include "daemon/core/session.hpp"
#include "daemon/inspect/cgroup_paths.hpp"

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <optional>
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
    /// User and system CPU time of the process and of its children that it has waited for.
    Duration processor_time{};
    bool operator==(const Process&) const = default;
};

/// Returns at most `max_processes` processes in a control group of the unified hierarchy, in the order of the kernel.
/// Processes in child groups are not included. Returns an empty list if the control group is empty or does not exist.
/// Errors: EMFILE, ENFILE, ENOMEM (kernel_file.hpp).
inline constexpr std::size_t max_processes = 4096;
Result<std::vector<Process>> processes_in(const std::filesystem::path& group, const SysPaths& roots = host_paths);

/// Returns the processes of a session, at most `max_processes`. These are the processes in the session's scope. If
/// logind has no session of the login, they are the leader, its children, and their children, without processes whose
/// parent has exited. Returns an empty list if the session has neither a scope nor a leader. Errors: EMFILE, ENFILE,
/// ENOMEM (kernel_file.hpp), or the leader cannot be identified.
Result<std::vector<Process>> processes_of(const core::Session& session, const SysPaths& roots = host_paths);

/// Returns the process that currently has this PID. Returns nothing if there is none. Errors: EMFILE, ENFILE, ENOMEM
/// (kernel_file.hpp).
Result<std::optional<Process>> process_with(pid_t pid, const SysPaths& roots = host_paths);

/// Returns at most `most` children of the process with the PID `parent`, in the order of the kernel. Returns an empty
/// list if the process does not exist, or the kernel lacks CONFIG_PROC_CHILDREN. A child that exits during the call can
/// hide others (proc_tid_children(5)). Errors: EMFILE, ENFILE, ENOMEM (kernel_file.hpp).
Result<std::vector<Process>> children_of(pid_t parent, std::size_t most, const SysPaths& roots = host_paths);

/// Returns true if the process `leader` still runs. Returns false if it has exited, or another process has its PID.
/// Errors: the process cannot be identified.
Result<bool> is_same_process(const Leader& leader);

/// Sends a signal to the children of `leader` and their children, but not to `leader` itself. With SIGTERM, each
/// process also gets SIGHUP, because interactive shells ignore SIGTERM (as with SendSIGHUP= of systemd.kill(5)).
/// Ignores processes that have exited.
void signal_descendants(const Leader& leader, int signal);

} // namespace sesslimit::inspect
