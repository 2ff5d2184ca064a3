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

/// A terminal of the host. Its device number alone does not name it: each instance of devpts has a pts/0 of its own
/// with the same number, and the kernel gives the number of a closed pty to the next one, of any user.
struct Terminal {
    dev_t device = 0;
    std::string name; ///< below /dev: "pts/3", "tty1"
    uid_t owner = 0;  ///< the user of the session that it belongs to
    bool operator==(const Terminal&) const = default;
};

/// Returns true if `node` is the device node of this terminal, and still has the same owner.
bool is_node_of(const struct stat& node, const Terminal& terminal) noexcept;

/// The name below /dev of a terminal by its number, as Documentation/admin-guide/devices.txt gives the ptys and
/// virtual consoles, and as sysfs says for the others. Nothing for what is no terminal. Fails where nobody can tell
/// (kernel_file.hpp).
Result<std::optional<std::string>> terminal_name(dev_t device, const SysPaths& roots = {});

/// Returns the terminals that belong to a session, by number and each once: the controlling terminals of the processes
/// in its scope (processes.hpp), if the node in the host's /dev belongs to the session's user. Users can mount an
/// instance of devpts in a user namespace, so a process in another user namespace than ours is not believed to have a
/// pty of the host. Returns an empty list if the session has no terminal, or no scope yet. Errors: EMFILE, ENFILE or
/// ENOMEM (kernel_file.hpp), which do not mean that there is no terminal.
Result<std::vector<Terminal>> terminals_of(const core::Session& session, const SysPaths& roots = {});

/// The wall clock of the youngest input on any of them: a terminal's atime, which the kernel moves on input alone
/// (drivers/tty/tty_io.c), in steps of 8 s. Nothing where none of them is there. Fails where nobody can tell.
Result<std::optional<Duration>> youngest_input(const std::vector<Terminal>& terminals, const SysPaths& roots = {});

/// The same of output: a terminal's mtime, which every write moves, a notice of ours too.
Result<std::optional<Duration>> youngest_output(const std::vector<Terminal>& terminals, const SysPaths& roots = {});

} // namespace sesslimit::inspect
