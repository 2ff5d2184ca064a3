// SPDX-License-Identifier: MIT
#include "daemon/inspect/processes.hpp"

#include "common/process.hpp"
#include "daemon/inspect/kernel_file.hpp"

#include <charconv>
#include <optional>
#include <sstream>
#include <utility>

namespace sesslimit::inspect {
namespace {

/// Maximum size of a control group's list of processes in bytes. Each entry is a PID and a newline, at most 11 bytes.
constexpr std::size_t max_list_length = max_processes * 11;

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
    process.command = command_of(**text);
    return process;
}

} // namespace

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
