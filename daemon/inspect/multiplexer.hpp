// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/core/session.hpp"
#include "daemon/inspect/cgroup_paths.hpp"
#include "daemon/inspect/processes.hpp"

#include <cstddef>
#include <string>
#include <vector>

/// Detection of the processes of a session that belong to a terminal multiplexer. These processes are the servers of
/// tmux and screen, the shells in their windows, and all processes that the shells have started.
namespace sesslimit::inspect {

/// Maximum number of multiplexer processes of a session that are preserved. The tmux and screen windows of a user
/// normally have fewer processes.
inline constexpr std::size_t max_multiplexed = 512;

/// Processes of terminal multiplexers.
struct Multiplexer {
    std::vector<Process> servers;
    /// Descendants of a multiplexer's server, and descendants of processes that were already moved out of the session's
    /// scope.
    std::vector<Process> others;
    /// Number of processes that were already moved to the scope in which they survive the session.
    std::size_t moved = 0;
    [[nodiscard]] bool is_empty() const { return servers.empty() && others.empty(); }
};

/// Returns true if the process is a server of tmux or screen, which runs the windows of a user. The name of a server is
/// "tmux: server" (tmux 3) or "screen". A server has called daemon(3) or setsid(2). Therefore it leads a kernel session
/// and has no controlling terminal, unlike a client of tmux or screen. Any user can start a process with these
/// properties.
bool is_multiplexer_server(const Process& process);

/// Returns at most `max_multiplexed` multiplexer processes from `scope`, the list of processes in a session's scope.
/// These are servers, descendants of servers, and descendants of `moved`, the processes that were already moved to
/// another scope. A process whose parent has exited is not a descendant. A background process of a closed window is
/// therefore not preserved.
Multiplexer multiplexer_among(const std::vector<Process>& scope, const std::vector<Process>& moved = {});

/// Returns the multiplexer processes that are in the session's scope. `moved_to` is the name of the scope to which such
/// processes are moved before the session is terminated. Errors: EMFILE, ENFILE, ENOMEM (kernel_file.hpp).
Result<Multiplexer> multiplexer_of(const core::Session& session, const std::string& moved_to,
                                   const SysPaths& roots = {});

} // namespace sesslimit::inspect
