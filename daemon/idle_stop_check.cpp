// SPDX-License-Identifier: MIT
#include "daemon/idle_stop_check.hpp"

#include <variant>

namespace sesslimit {

void IdleStopCheck::handle(core::Event event) {
    const logind::IdleStop settings = dependencies_.settings();
    if (settings.stop == unlimited_duration) {
        return dependencies_.events.handle(std::move(event));
    }
    const auto state_of = [this](const core::Session* session) {
        // logind does not judge a graphical session by its terminal.
        const bool has_state = session != nullptr && !session->logind_id.empty() && !session->graphical;
        return has_state ? dependencies_.state(session->logind_id) : std::nullopt;
    };
    const auto is_stopped = [&settings](const inspect::LogindIdle& state) {
        return state.is_stopping && state.idle >= logind::idle_threshold(settings);
    };
    if (auto* closed = std::get_if<core::CloseRequested>(&event)) {
        const auto state = state_of(dependencies_.closed(*closed));
        closed->idle_stop = state && is_stopped(*state) ? std::optional(settings.stop) : std::nullopt;
    }
    if (auto* exited = std::get_if<core::LeaderExited>(&event)) {
        const auto state = state_of(dependencies_.exited(*exited));
        const bool is_stop = state && (is_stopped(*state) || state->idle >= settings.stop);
        exited->idle_stop = is_stop ? std::optional(settings.stop) : std::nullopt;
    }
    dependencies_.events.handle(std::move(event));
}

} // namespace sesslimit
