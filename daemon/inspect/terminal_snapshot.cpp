// SPDX-License-Identifier: MIT
#include "daemon/inspect/terminal_snapshot.hpp"

#include "daemon/inspect/terminals.hpp"

#include <utility>

namespace sesslimit::inspect {

TerminalSnapshot read_terminal_snapshot(const core::Session& session) {
    if (session.phase == core::Phase::admitted) {
        return {}; // to find the processes of a login that logind does not know yet costs more than to admit it
    }
    std::vector<Terminal> terminals = terminals_of(session).value_or(std::vector<Terminal>{});
    TerminalSnapshot presence{.terminals = {}, .input = youngest_input(terminals).value_or(std::nullopt)};
    for (Terminal& terminal : terminals) {
        presence.terminals.push_back(std::move(terminal.name));
    }
    return presence;
}

} // namespace sesslimit::inspect
