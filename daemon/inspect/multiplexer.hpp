// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/core/session.hpp"
#include "daemon/inspect/cgroup_paths.hpp"
#include "daemon/inspect/processes.hpp"

#include <cstddef>
#include <string>
#include <vector>

/// What of a session belongs to a terminal multiplexer: the servers of tmux and screen, the shells of their windows and
/// all that runs in them.
namespace sesslimit::inspect {

/// More than all windows of a person; what is beyond it is not spared.
inline constexpr std::size_t max_multiplexed = 512;

struct Multiplexer {
    std::vector<Process> servers;
    std::vector<Process> others; ///< descendants of a server, and of what was moved before
    std::size_t moved = 0;       ///< processes that are in the other scope already
    [[nodiscard]] bool is_empty() const { return servers.empty() && others.empty(); }
};

/// A server has detached from every terminal (daemon(3), setsid(2)), so that it leads a kernel session and has no
/// controlling terminal, which tells it from its clients; and it is called "tmux: server" (tmux 3) or "screen". Whoever
/// wants to can give a process such a name.
bool is_multiplexer_server(const Process& process);

/// Of the processes of a session's scope those of multiplexers: servers, and what descends from them or from `moved`,
/// at most `max_multiplexed`. A process whose parent has exited descends from nobody: what was put into the background
/// in a window that is closed by now is the session's.
Multiplexer multiplexer_among(const std::vector<Process>& scope, const std::vector<Process>& moved = {});

/// The same of a session; `moved_to` is the scope beside its own that processes of it were moved to, or are to be.
/// Fails where nobody can tell (kernel_file.hpp).
Result<Multiplexer> multiplexer_of(const core::Session& session, const std::string& moved_to,
                                   const SysPaths& roots = {});

} // namespace sesslimit::inspect
