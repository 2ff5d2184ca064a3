// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/core/session.hpp"
#include "daemon/inspect/cgroup_paths.hpp"
#include "daemon/inspect/processes.hpp"

#include <cstddef>
#include <string>
#include <vector>

/// Detection of the processes of a session that belong to a terminal multiplexer. These are the servers of tmux and
/// screen, the shells of their windows, and all processes that run in them.
namespace sesslimit::inspect {

/// Maximum number of multiplexer processes of a session, more than the windows of a user need. Further processes are
/// not preserved.
inline constexpr std::size_t max_multiplexed = 512;

/// Processes of terminal multiplexers.
struct Multiplexer {
    std::vector<Process> servers;
    std::vector<Process> others; ///< descendants of a server, or of processes that were moved before
    std::size_t moved = 0;       ///< number of processes that are already in the scope for preserved processes
    [[nodiscard]] bool is_empty() const { return servers.empty() && others.empty(); }
};

/// Returns true for the server process of a terminal multiplexer. A server has detached from every terminal (daemon(3),
/// setsid(2)). A server leads a kernel session and has no controlling terminal, unlike a client. The name of a server
/// is "tmux: server" (tmux 3) or "screen". Any user can give a process such a name.
bool is_multiplexer_server(const Process& process);

/// Returns at most `max_multiplexed` multiplexer processes from the list of processes in a session's scope. These are
/// servers, descendants of servers, and descendants of processes in `moved`. A process whose parent has exited is not a
/// descendant. A background process of a closed window therefore belongs to the session.
Multiplexer multiplexer_among(const std::vector<Process>& scope, const std::vector<Process>& moved = {});

/// Returns the multiplexer processes of a session. `moved_to` is the name of the scope for preserved processes. Errors:
/// EMFILE, ENFILE, ENOMEM (kernel_file.hpp).
Result<Multiplexer> multiplexer_of(const core::Session& session, const std::string& moved_to,
                                   const SysPaths& roots = {});

} // namespace sesslimit::inspect
