// SPDX-License-Identifier: MIT
#include "daemon/inspect/multiplexer.hpp"

#include <map>
#include <set>
#include <utility>

namespace sesslimit::inspect {

bool is_multiplexer_server(const Process& process) {
    return (process.command == "tmux: server" || process.command == "screen") && process.session == process.pid &&
           process.terminal == 0;
}

Multiplexer multiplexer_among(const std::vector<Process>& scope, const std::vector<Process>& moved) {
    Multiplexer found{.servers = {}, .others = {}, .moved = moved.size()};
    std::multimap<pid_t, const Process*> children;
    std::vector<pid_t> ancestors;
    std::set<pid_t> known;
    const auto take = [&](const Process& process, std::vector<Process>& into) {
        if (found.servers.size() + found.others.size() < max_multiplexed && known.insert(process.pid).second) {
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
        if (is_multiplexer_server(process)) {
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

Result<Multiplexer> multiplexer_of(const core::Session& session, const std::string& moved_to, const SysPaths& roots) {
    const auto scope = scope_of(session, roots);
    if (!scope || !is_unit_name(moved_to)) {
        return Multiplexer{};
    }
    auto processes = processes_in(*scope, roots);
    if (!processes) {
        return std::unexpected(std::move(processes.error()));
    }
    auto moved = processes_in(scope->parent_path() / moved_to, roots);
    if (!moved) {
        return std::unexpected(std::move(moved.error()));
    }
    return multiplexer_among(*processes, *moved);
}

} // namespace sesslimit::inspect
