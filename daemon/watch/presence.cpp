// SPDX-License-Identifier: MIT
#include "daemon/watch/presence.hpp"

#include "daemon/watch/terminals.hpp"

#include <utility>

namespace sesslimit::watch {

const Presence& PresenceCache::of(const warden::Session& session, Boottime now) {
    const auto [at, is_new] = seen_.try_emplace(session.key);
    Seen& seen = at->second;
    if (is_new || now - seen.at >= fresh_for) {
        seen = {look_(session), now};
    }
    return seen.presence;
}

Presence see(const warden::Session& session) {
    std::vector<Terminal> terminals = terminals_of(session);
    Presence presence{.terminals = {}, .input = youngest_input(terminals)};
    for (Terminal& terminal : terminals) {
        presence.terminals.push_back(std::move(terminal.name));
    }
    return presence;
}

} // namespace sesslimit::watch
