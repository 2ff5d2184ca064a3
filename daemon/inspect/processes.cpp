// SPDX-License-Identifier: MIT
#include "daemon/inspect/processes.hpp"

#include "common/process.hpp"
#include "common/unique_fd.hpp"
#include "daemon/inspect/kernel_file.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <optional>
#include <sstream>
#include <utility>

namespace sesslimit::inspect {
namespace {

/// Maximum size of a control group's list of processes in bytes. Each entry is a PID and a newline, at most 11 bytes.
constexpr std::size_t max_list_length = max_processes * 11;

/// Maximum size of /proc/PID/task/TID/children in bytes. Each entry is a PID and a space, at most 11 bytes.
constexpr std::size_t max_children_length = max_processes * 11;

/// Maximum number of threads of a process whose children are read.
constexpr std::size_t max_threads = 256;

/// Upper bound of a CPU time in clock ticks, which is far below the maximum of a Duration in microseconds.
constexpr std::uint64_t max_ticks = 1'000'000'000'000;

Duration processor_time_of(const ProcessStat& stat) {
    static const long ticks_per_second = std::max(1L, sysconf(_SC_CLK_TCK));
    const auto ticks = static_cast<Duration::rep>(std::min(stat.processor_ticks, max_ticks));
    return Duration(std::chrono::seconds(1)) / ticks_per_second * ticks;
}

Result<std::optional<Process>> process_of(const std::string& pid, const SysPaths& roots) {
    const auto text = read_kernel_file(roots.proc / pid / "stat", max_process_stat_length);
    if (!text) {
        return std::unexpected(text.error());
    }
    Process process;
    const auto stat = *text ? parse_process_stat(**text) : std::nullopt;
    const auto [end, error] = std::from_chars(pid.data(), pid.data() + pid.size(), process.pid);
    if (!stat || error != std::errc{} || end != pid.data() + pid.size()) {
        return std::nullopt;
    }
    process.parent = stat->parent;
    process.session = stat->session;
    process.terminal = stat->terminal;
    process.processor_time = processor_time_of(*stat);
    process.command = command_of(**text);
    return process;
}

/// Appends the PIDs of the children of a process, which are listed for each of its threads
/// (/proc/PID/task/TID/children, proc_tid_children(5)).
Result<> append_children(const std::string& pid, const SysPaths& roots, std::vector<std::string>& pids) {
    std::error_code error;
    std::filesystem::directory_iterator thread(roots.proc / pid / "task", error);
    for (std::size_t seen = 0; !error && thread != std::filesystem::end(thread) && seen < max_threads; ++seen) {
        auto list = read_kernel_file(thread->path() / "children", max_children_length);
        if (!list) {
            return std::unexpected(std::move(list.error()));
        }
        std::istringstream children(std::move(*list).value_or(""));
        for (std::string child; pids.size() < max_processes && children >> child;) {
            pids.push_back(child);
        }
        thread.increment(error);
    }
    return keeps_from_telling(error.value()) ? fail_errno("list the threads of a process", error.value()) : Result<>();
}

/// Returns the process `leader`, its children, and their children. Returns an empty list if `leader` has exited.
Result<std::vector<Process>> tree_of(const Leader& leader, const SysPaths& roots) {
    const auto runs = is_same_process(leader);
    if (!runs) {
        return std::unexpected(runs.error());
    }
    if (!*runs) {
        return std::vector<Process>{};
    }
    std::vector<Process> processes;
    std::vector<std::string> pids{std::to_string(leader.pid)};
    for (std::size_t at = 0; at < pids.size(); ++at) {
        auto process = process_of(pids[at], roots);
        if (!process) {
            return std::unexpected(std::move(process.error()));
        }
        if (!*process) {
            continue;
        }
        processes.push_back(**std::move(process));
        if (auto done = append_children(std::string(pids[at]), roots, pids); !done) {
            return std::unexpected(std::move(done.error()));
        }
    }
    return processes;
}

/// Returns a pidfd of a process, if its parent is still the same. Otherwise another process may have its PID, and the
/// result is empty.
UniqueFd pidfd_of_child(const Process& process) {
    auto pidfd = open_pidfd(process.pid);
    const auto stat = pidfd ? read_process_stat(process.pid) : std::unexpected(ESRCH);
    if (!stat || stat->parent != process.parent || !lives(pidfd->get())) {
        return UniqueFd();
    }
    return *std::move(pidfd);
}

} // namespace

Result<std::vector<Process>> processes_of(const core::Session& session, const SysPaths& roots) {
    if (const auto scope = scope_of(session, roots)) {
        return processes_in(*scope, roots);
    }
    return session.leader.pid == 0 ? std::vector<Process>{} : tree_of(session.leader, roots);
}

Result<std::optional<Process>> process_with(pid_t pid, const SysPaths& roots) {
    return process_of(std::to_string(pid), roots);
}

Result<std::vector<Process>> children_of(pid_t parent, std::size_t most, const SysPaths& roots) {
    std::vector<std::string> pids;
    if (auto done = append_children(std::to_string(parent), roots, pids); !done) {
        return std::unexpected(std::move(done.error()));
    }
    pids.resize(std::min(pids.size(), most));
    std::vector<Process> children;
    for (const std::string& pid : pids) {
        auto process = process_of(pid, roots);
        if (!process) {
            return std::unexpected(std::move(process.error()));
        }
        if (*process && (*process)->parent == parent) { // another process may have the PID of a child that has exited
            children.push_back(**std::move(process));
        }
    }
    return children;
}

Result<bool> is_same_process(const Leader& leader) {
    const auto now = identify(leader.pid);
    if (!now && now.error() != ESRCH) {
        return fail_errno("identify the leader process of a session", now.error());
    }
    return now && may_be_same(*now, leader);
}

void signal_descendants(const Leader& leader, int signal) {
    const std::vector<Process> tree = tree_of(leader, host_paths).value_or(std::vector<Process>{});
    // All pidfds are opened first, because processes get another parent when their parent exits.
    std::vector<UniqueFd> children;
    for (const Process& process : tree) {
        if (auto child = process.pid != leader.pid ? pidfd_of_child(process) : UniqueFd()) {
            children.push_back(std::move(child));
        }
    }
    // A parent gets the signal before its children. A shell would otherwise start its next command when one exits.
    for (const UniqueFd& child : children) {
        (void)syscall(SYS_pidfd_send_signal, child.get(), signal, nullptr, 0);
        if (signal == SIGTERM) {
            (void)syscall(SYS_pidfd_send_signal, child.get(), SIGHUP, nullptr, 0);
        }
    }
}

Result<std::vector<Process>> processes_in(const std::filesystem::path& group, const SysPaths& roots) {
    auto list = read_kernel_file(group / "cgroup.procs", max_list_length);
    if (!list) {
        return std::unexpected(std::move(list.error()));
    }
    std::vector<Process> processes;
    std::istringstream pids(std::move(*list).value_or(""));
    std::string pid;
    for (std::size_t seen = 0; seen < max_processes && std::getline(pids, pid); ++seen) {
        auto process = process_of(pid, roots);
        if (!process) {
            return std::unexpected(std::move(process.error()));
        }
        if (*process) {
            processes.push_back(**std::move(process));
        }
    }
    return processes;
}

} // namespace sesslimit::inspect
