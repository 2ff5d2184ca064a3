// SPDX-License-Identifier: MIT
#include "daemon/idle_stop_check.hpp"

#include <variant>

namespace sesslimit {

void IdleStopCheck::handle(core::Event event) {
    if (dependencies_.settings().stop != unlimited_duration) {
        if (auto* closed = std::get_if<core::CloseRequested>(&event)) {
            closed->idle_stop = stop_of(dependencies_.closed(*closed));
        } else if (auto* exited = std::get_if<core::LeaderExited>(&event)) {
            exited->idle_stop = stop_of(dependencies_.exited(*exited));
        }
    }
    dependencies_.events.handle(std::move(event));
}

std::optional<Duration> IdleStopCheck::stop_of(const core::Session* session) const {
    // logind does not judge a graphical session by its terminal.
    if (session == nullptr || session->logind_id.empty() || session->graphical) {
        return std::nullopt;
    }
    const auto state = dependencies_.state(session->logind_id);
    const logind::IdleStop settings = dependencies_.settings();
    const bool is_stop = state && (state->idle >= settings.stop ||
                                   (state->is_stopping && state->idle >= logind::idle_threshold(settings)));
    return is_stop ? std::optional(settings.stop) : std::nullopt;
}

} // namespace sesslimit
