// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "common/result.hpp"
#include "daemon/core/session.hpp"
#include "daemon/inspect/cgroup_paths.hpp"

#include <sys/stat.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sesslimit::inspect {

/// Terminal of the host. The device number alone does not identify a terminal, because each instance of devpts has its
/// own pts/0 with the same number. The kernel also reuses the number of a closed pty for the next pty of any user.
struct Terminal {
    dev_t device = 0;
    /// Name of the device node below /dev, such as "pts/3" or "tty1".
    std::string name;
    uid_t owner = 0; ///< user of the session
    bool operator==(const Terminal&) const = default;
};

/// Returns true if `node` is the status of the terminal's device node, and the node still belongs to the terminal's
/// owner.
bool is_node_of(const struct stat& node, const Terminal& terminal) noexcept;

/// Returns the name below /dev of the terminal with this device number. The numbers of ptys and virtual consoles are
/// defined in Documentation/admin-guide/devices.txt, and sysfs provides the names of all other terminals. Returns
/// nothing if neither source contains the number. Errors: EMFILE, ENFILE, ENOMEM (kernel_file.hpp).
Result<std::optional<std::string>> terminal_name(dev_t device, const SysPaths& roots = host_paths);

/// Returns the terminals of a session, sorted by device number, without duplicates. These are the controlling terminals
/// of the processes of the session (processes.hpp). The device node of each terminal in the host's /dev must
/// belong to the session's user. A pty is only accepted if one of its processes is in the daemon's user namespace,
/// because users can mount another instance of devpts in a user namespace. Returns an empty list if the session does
/// not have a terminal yet. Errors: EMFILE, ENFILE, ENOMEM (kernel_file.hpp). After an error it is unknown
/// whether the session has a terminal.
Result<std::vector<Terminal>> terminals_of(const core::Session& session, const SysPaths& roots = host_paths);

/// Returns the wall clock time of the latest input on any of the terminals. The value is the latest atime of the
/// terminals. The kernel updates the atime of a terminal on input only, in steps of 8 s (drivers/tty/tty_io.c). Returns
/// nothing if none of the terminals exists. Errors: EMFILE, ENFILE, ENOMEM (kernel_file.hpp).
Result<std::optional<Duration>> youngest_input(const std::vector<Terminal>& terminals,
                                               const SysPaths& roots = host_paths);

/// Returns the wall clock time of the latest output on any of the terminals. The value is the latest mtime of the
/// terminals. Every write updates the mtime, including the daemon's notices.
Result<std::optional<Duration>> youngest_output(const std::vector<Terminal>& terminals,
                                                const SysPaths& roots = host_paths);

} // namespace sesslimit::inspect
