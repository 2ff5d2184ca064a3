// SPDX-License-Identifier: MIT
#include "daemon/watch/processes.hpp"

#include "common/process.hpp"

#include <array>
#include <charconv>
#include <fstream>
#include <optional>
#include <string_view>

namespace sesslimit::watch {
namespace {

std::optional<Process> process_of(const std::string& pid, const Roots& roots) {
    std::ifstream file(roots.proc / pid / "stat");
    std::array<char, longest_process_stat> buffer{};
    file.read(buffer.data(), buffer.size());
    const std::string_view text(buffer.data(), static_cast<std::size_t>(file.gcount()));
    Process process;
    const auto stat = parse_process_stat(text);
    const auto [end, error] = std::from_chars(pid.data(), pid.data() + pid.size(), process.pid);
    if (!stat || error != std::errc{} || end != pid.data() + pid.size()) {
        return std::nullopt;
    }
    process.parent = stat->parent;
    process.session = stat->session;
    process.terminal = stat->terminal;
    process.command = command_of(text);
    return process;
}

} // namespace

std::vector<Process> processes_in(const std::filesystem::path& group, const Roots& roots) {
    std::vector<Process> processes;
    std::ifstream pids(group / "cgroup.procs");
    std::string pid;
    for (std::size_t seen = 0; seen < most_processes && std::getline(pids, pid); ++seen) {
        if (auto process = process_of(pid, roots)) {
            processes.push_back(*std::move(process));
        }
    }
    return processes;
}

} // namespace sesslimit::watch
