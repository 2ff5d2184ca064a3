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

/// Terminal of the host. Its device number alone does not identify it. Each instance of devpts has its own pts/0 with
/// the same number. The kernel reuses the number of a closed pty for the next pty of any user.
struct Terminal {
    dev_t device = 0;
    std::string name; ///< below /dev: "pts/3", "tty1"
    uid_t owner = 0;  ///< user of its session
    bool operator==(const Terminal&) const = default;
};

/// Returns true if `node` is the device node of this terminal, and still has the same owner.
bool is_node_of(const struct stat& node, const Terminal& terminal) noexcept;

/// Returns the name of a terminal below /dev from its number. The numbers of ptys and virtual consoles are defined in
/// Documentation/admin-guide/devices.txt, and sysfs provides the names of the others. Returns nothing if the number is
/// not in sysfs either.
/// Errors: EMFILE, ENFILE, ENOMEM (kernel_file.hpp).
Result<std::optional<std::string>> terminal_name(dev_t device, const SysPaths& roots = {});

/// Returns the terminals that belong to a session, sorted by number, without duplicates. These are the controlling
/// terminals of the processes in its scope (processes.hpp), if the node in the host's /dev belongs to the session's
/// user. Users can mount an instance of devpts in a user namespace. A process in another user namespace than ours is
/// therefore not assumed to have a pty of the host. Returns an empty list if the session has no terminal or no scope
/// yet. Errors: EMFILE, ENFILE or ENOMEM (kernel_file.hpp), which do not mean that the session has no terminal.
Result<std::vector<Terminal>> terminals_of(const core::Session& session, const SysPaths& roots = {});

/// Returns the wall clock time of the latest input on any of the terminals. That is the atime of a terminal, which the
/// kernel updates on input only (drivers/tty/tty_io.c), in steps of 8 s. Returns nothing if none of the terminals
/// exists. Errors: EMFILE, ENFILE, ENOMEM (kernel_file.hpp).
Result<std::optional<Duration>> youngest_input(const std::vector<Terminal>& terminals, const SysPaths& roots = {});

/// Returns the same for output: the mtime of a terminal, which every write updates, including the daemon's notices.
Result<std::optional<Duration>> youngest_output(const std::vector<Terminal>& terminals, const SysPaths& roots = {});

} // namespace sesslimit::inspect
