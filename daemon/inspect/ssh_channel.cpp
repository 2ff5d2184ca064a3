// SPDX-License-Identifier: MIT
#include "daemon/inspect/ssh_channel.hpp"

#include "daemon/inspect/processes.hpp"

#include <vector>

namespace sesslimit::inspect {

Result<bool> has_channel_without_terminal(pid_t leader, const SysPaths& roots) {
    const auto first = process_with(leader, roots);
    if (!first) {
        return std::unexpected(first.error());
    }
    if (!*first) {
        return false;
    }
    std::vector<pid_t> servers{leader};
    for (std::size_t at = 0; at < servers.size(); ++at) {
        const pid_t server = servers[at];
        const auto children = children_of(server, max_inspected_children, roots);
        if (!children) {
            return std::unexpected(children.error());
        }
        for (const Process& child : *children) {
            const bool is_server = child.session == (*first)->session;
            if (child.terminal == 0 && !is_server) {
                return true;
            }
            if (is_server && server == leader) {
                servers.push_back(child.pid);
            }
        }
    }
    return false;
}

Result<bool> has_channel_without_terminal(const Leader& leader) {
    const auto is_running = is_same_process(leader);
    if (!is_running) {
        return std::unexpected(is_running.error());
    }
    return *is_running ? has_channel_without_terminal(leader.pid) : false;
}

} // namespace sesslimit::inspect
