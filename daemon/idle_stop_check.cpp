// SPDX-License-Identifier: MIT
#include "daemon/idle_stop_check.hpp"

#include <variant>

namespace sesslimit {

void IdleStopCheck::handle(core::Event event) {
    if (auto* closed = std::get_if<core::CloseRequested>(&event)) {
        closed->idle_stop = idle_stop_of(*closed);
    }
    dependencies_.events.handle(std::move(event));
}

std::optional<Duration> IdleStopCheck::idle_stop_of(const core::CloseRequested& closed) const {
    const logind::IdleStop settings = dependencies_.settings();
    if (settings.stop == unlimited_duration) {
        return std::nullopt;
    }
    const core::Session* session = dependencies_.find(closed);
    if (session == nullptr || session->logind_id.empty() || session->graphical) {
        return std::nullopt; // logind does not judge a graphical session by its terminal
    }
    const auto idle = dependencies_.idle_if_stopping(session->logind_id);
    return idle && *idle >= logind::idle_threshold(settings) ? std::optional(settings.stop) : std::nullopt;
}

} // namespace sesslimit
