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
    const auto stop_of = [&](const core::Session* session) -> std::optional<Duration> {
        const auto state = state_of(session);
        const bool is_stopped = state && state->is_stopping && state->idle >= logind::idle_threshold(settings);
        const bool is_due = state && state->idle >= settings.stop;
        return is_stopped || is_due ? std::optional(settings.stop) : std::nullopt;
    };
    if (auto* closed = std::get_if<core::CloseRequested>(&event)) {
        closed->idle_stop = stop_of(dependencies_.closed(*closed));
    }
    if (auto* exited = std::get_if<core::LeaderExited>(&event)) {
        exited->idle_stop = stop_of(dependencies_.exited(*exited));
    }
    dependencies_.events.handle(std::move(event));
}

} // namespace sesslimit
