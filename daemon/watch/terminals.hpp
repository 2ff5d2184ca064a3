// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "common/result.hpp"
#include "daemon/warden/session.hpp"
#include "daemon/watch/scope.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sesslimit::watch {

struct Terminal {
    dev_t device = 0;
    std::string name; ///< below /dev: "pts/3", "tty1"
    bool operator==(const Terminal&) const = default;
};

/// The name below /dev of a terminal by its number, as Documentation/admin-guide/devices.txt gives the ptys and
/// virtual consoles, and as sysfs says for the others. Nothing for what is no terminal. Fails where nobody can tell
/// (kernel_file.hpp).
Result<std::optional<std::string>> terminal_name(dev_t device, const Roots& roots = {});

/// The controlling terminals of all processes in the session's scope (processes.hpp), by number and each once. Empty:
/// it has none, or has no scope yet. Fails where nobody can tell.
Result<std::vector<Terminal>> terminals_of(const warden::Session& session, const Roots& roots = {});

/// The wall clock of the youngest input on any of them: a terminal's atime, which the kernel moves on input alone
/// (drivers/tty/tty_io.c), in steps of 8 s. Nothing where none of them is there. Fails where nobody can tell.
Result<std::optional<Span>> youngest_input(const std::vector<Terminal>& terminals, const Roots& roots = {});

/// The same of output: a terminal's mtime, which every write moves, a notice of ours too.
Result<std::optional<Span>> youngest_output(const std::vector<Terminal>& terminals, const Roots& roots = {});

} // namespace sesslimit::watch
