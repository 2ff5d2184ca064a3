// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"

#include <algorithm>

namespace sesslimit::logind {

/// Settings with which logind stops idle sessions (logind.conf(5)).
struct IdleStop {
    Duration stop = unlimited_duration; ///< StopIdleSessionSec=; unlimited_duration: logind stops no session
    Duration action{};                  ///< IdleActionSec=; 0: none

    bool operator==(const IdleStop&) const = default;
};

/// Returns the time without input after which logind regards a terminal as idle. It may be shorter than
/// StopIdleSessionSec=, because logind uses the shorter one of both settings (session_get_idle_hint() in systemd's
/// logind-session.c).
constexpr Duration idle_threshold(const IdleStop& settings) noexcept {
    return settings.action > Duration{} ? std::min(settings.action, settings.stop) : settings.stop;
}

} // namespace sesslimit::logind
