// SPDX-License-Identifier: MIT
#pragma once

#include "common/process.hpp"
#include "common/result.hpp"
#include "daemon/inspect/cgroup_paths.hpp"

#include <sys/types.h>

#include <cstddef>

/// Detection of ssh channels that have no terminal. These are commands ("ssh HOST COMMAND", "ssh -T"), sftp, scp, rsync
/// and git, also beside a shell of the same connection (ControlMaster). The data of such a channel is not visible on a
/// terminal.
namespace sesslimit::inspect {

/// Maximum number of children of a process of sshd that are inspected. MaxSessions of sshd_config(5) limits the
/// channels of a connection to 10 by default.
inline constexpr std::size_t max_inspected_children = 64;

/// Returns true if the ssh connection has a channel without a terminal that is served by a process. `leader` is the PID
/// of the leader, which is a process of sshd. Returns false if the process does not exist.
///
/// sshd starts a process for each channel that is a shell, a command or a subsystem. The process leads a kernel session
/// of its own (do_exec_no_pty and do_exec_pty in session.c of OpenSSH). Its parent is the process of sshd that runs as
/// the user. That process is a child of the leader and belongs to the kernel session of the leader. For a login of
/// root, the leader itself is the parent in OpenSSH 9.2, but not in 10.0. The subsystem internal-sftp is such a process
/// too, although it does not execute another program.
///
/// Background jobs and programs such as nohup(1) and setsid(1) are not channels, because their parent is a shell or
/// PID 1. Forwarded ports, X11 and agents ("-N", "-L", "-D", "-W", "-X", "-A") have no process and are not found.
///
/// A process that starts or exits during the inspection may be missed. If the PID of the leader is reused during the
/// inspection, the result is wrong. Errors: EMFILE, ENFILE, ENOMEM (kernel_file.hpp).
Result<bool> has_channel_without_terminal(pid_t leader, const SysPaths& roots = host_paths);

/// Returns the result for the leader of a session. Returns false if the leader has exited. Errors: as above, or the
/// leader cannot be identified.
Result<bool> has_channel_without_terminal(const Leader& leader);

} // namespace sesslimit::inspect
