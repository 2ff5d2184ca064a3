// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/core/session.hpp"
#include "daemon/inspect/cgroup_paths.hpp"
#include "daemon/inspect/processes.hpp"

#include <cstddef>
#include <string>
#include <vector>

/// Detection of the processes of a session that belong to programs in the setting `keep`. These processes are servers
/// such as those of tmux and screen, the shells in their windows, and all processes that the shells have started.
namespace sesslimit::inspect {

/// Maximum number of processes of a session that are preserved. The tmux and screen windows of a user normally have
/// fewer processes.
inline constexpr std::size_t max_kept_processes = 512;

/// Processes of kept programs.
struct KeptPrograms {
    std::vector<Process> servers;
    /// Descendants of a server, and descendants of processes that were already moved out of the session's scope.
    std::vector<Process> others;
    /// Number of processes that were already moved to the scope in which they survive the session.
    std::size_t moved = 0;
    [[nodiscard]] bool is_empty() const { return servers.empty() && others.empty(); }
};

/// Returns true if the process is a server of one of the programs in `keep`. The process name of a server is the name
/// of the program, such as "screen", or begins with that name and a colon, such as "tmux: server" (tmux 3). A server
/// has called daemon(3) or setsid(2). Therefore it leads a kernel session and has no controlling terminal, unlike a
/// client such as "screen -r". Any user can start a process with these properties.
bool is_kept_program(const Process& process, const std::vector<std::string>& keep);

/// Returns at most `max_kept_processes` processes of kept programs from `scope`, the list of processes in a session's
/// scope. These are servers, descendants of servers, and descendants of `moved`, the processes that were already moved
/// to another scope. A process whose parent has exited is not a descendant. A background process of a closed window is
/// therefore not preserved.
KeptPrograms kept_programs_among(const std::vector<Process>& scope, const std::vector<std::string>& keep,
                                 const std::vector<Process>& moved = {});

/// Returns the processes of kept programs that are in the session's scope. `moved_to` is the name of the scope to which
/// such processes are moved before the session is terminated. Errors: EMFILE, ENFILE, ENOMEM (kernel_file.hpp).
Result<KeptPrograms> kept_programs_of(const core::Session& session, const std::string& moved_to,
                                      const std::vector<std::string>& keep, const SysPaths& roots = host_paths);

} // namespace sesslimit::inspect
