// SPDX-License-Identifier: MIT
#include "daemon/inspect/terminal_snapshot.hpp"

#include "daemon/inspect/terminals.hpp"

#include <utility>

namespace sesslimit::inspect {

TerminalSnapshot read_terminal_snapshot(const core::Session& session, const SysPaths& roots) {
    if (session.phase == core::Phase::admitted) {
        // logind does not have the session yet, so that each login would search the processes of its leader. This
        // search takes about as long as the decision about the login ("tests/run bench rate").
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
