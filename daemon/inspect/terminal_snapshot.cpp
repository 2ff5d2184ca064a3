// SPDX-License-Identifier: MIT
#include "daemon/inspect/terminal_snapshot.hpp"

#include "daemon/inspect/terminals.hpp"

#include <utility>

namespace sesslimit::inspect {

TerminalSnapshot read_terminal_snapshot(const core::Session& session, const SysPaths& roots) {
    if (session.phase == core::Phase::admitted || session.phase == core::Phase::closed) {
        // Such a session has no terminal of its own yet, or no longer. Without this condition, the signals of each
        // login and logout would search the processes of the leader, which lowers the rate of decisions ("tests/run
        // bench rate").
        return {};
    }
    std::vector<Terminal> terminals = terminals_of(session, roots).value_or(std::vector<Terminal>{});
    TerminalSnapshot presence{.terminals = {}, .input = youngest_input(terminals).value_or(std::nullopt)};
    for (Terminal& terminal : terminals) {
        presence.terminals.push_back(std::move(terminal.name));
    }
    return presence;
}

} // namespace sesslimit::inspect
