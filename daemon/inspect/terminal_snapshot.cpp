// SPDX-License-Identifier: MIT
#include "daemon/inspect/terminal_snapshot.hpp"

#include "daemon/inspect/terminals.hpp"

#include <utility>

namespace sesslimit::inspect {

TerminalSnapshot read_terminal_snapshot(const core::Session& session) {
    std::vector<Terminal> terminals = terminals_of(session).value_or(std::vector<Terminal>{});
    TerminalSnapshot presence{.terminals = {}, .input = youngest_input(terminals).value_or(std::nullopt)};
    for (Terminal& terminal : terminals) {
        presence.terminals.push_back(std::move(terminal.name));
    }
    return presence;
}

} // namespace sesslimit::inspect
