// SPDX-License-Identifier: MIT
#include "daemon/inspect/kept_programs.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace sesslimit::inspect {

bool is_kept_program(const Process& process, const std::vector<std::string>& keep) {
    const auto is_named = [&process](const std::string& name) {
        return process.command == name || process.command.starts_with(name + ": ");
    };
    return process.session == process.pid && process.terminal == 0 && std::ranges::any_of(keep, is_named);
}

KeptPrograms kept_programs_among(const std::vector<Process>& scope, const std::vector<std::string>& keep,
                                 const std::vector<Process>& moved) {
    KeptPrograms found{.servers = {}, .others = {}, .moved = moved.size()};
    std::multimap<pid_t, const Process*> children;
    std::vector<pid_t> ancestors;
    std::set<pid_t> known;
    const auto take = [&](const Process& process, std::vector<Process>& into) {
        if (found.servers.size() + found.others.size() < max_kept_processes && known.insert(process.pid).second) {
            into.push_back(process);
            ancestors.push_back(process.pid);
        }
    };
    for (const Process& process : moved) {
        known.insert(process.pid);
        ancestors.push_back(process.pid);
    }
    for (const Process& process : scope) {
        children.emplace(process.parent, &process);
        if (is_kept_program(process, keep)) {
            take(process, found.servers);
        }
    }
    while (!ancestors.empty()) {
        const pid_t ancestor = ancestors.back();
        ancestors.pop_back();
        const auto [first, last] = children.equal_range(ancestor);
        for (auto child = first; child != last; ++child) {
            take(*child->second, found.others);
        }
    }
    return found;
}

Result<KeptPrograms> kept_programs_of(const core::Session& session, const std::string& moved_to,
                                      const std::vector<std::string>& keep, const SysPaths& roots) {
    const auto scope = scope_of(session, roots);
    if (!scope || !is_unit_name(moved_to)) {
        return KeptPrograms{};
    }
    auto processes = processes_in(*scope, roots);
    if (!processes) {
        return std::unexpected(std::move(processes.error()));
    }
    auto moved = processes_in(scope->parent_path() / moved_to, roots);
    if (!moved) {
        return std::unexpected(std::move(moved.error()));
    }
    return kept_programs_among(*processes, keep, *moved);
}

} // namespace sesslimit::inspect
