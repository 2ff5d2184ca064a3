// SPDX-License-Identifier: MIT
#include "daemon/core/decide.hpp"

#include "daemon/core/decision_context.hpp"

namespace sesslimit::core {

void on_timer_expired(Turn& turn, const TimerExpired&) {
    const Session* session = turn.state.next_due();
    if (session == nullptr || session->due > turn.now) {
        return;
    }
    switch (session->phase) {
    case Phase::waiting:
        return go_on_waiting(turn, *session);
    case Phase::reserved:
    case Phase::live:
        return serve_limits(turn, *session);
    case Phase::ending:
        return go_on_ending(turn, *session);
    case Phase::refused:
        return evict(turn, *session);
    case Phase::released: {
        Session quiet = *session;
        quiet.due = never;
        return turn.put(quiet);
    }
    }
}

Decision decide(const policy::Policy& policy, const State& state, const Event& event, Boottime now) {
    Turn turn{.policy = policy, .state = state, .now = now};
    std::visit([&turn](const auto& what) { take(turn, what); }, event);
    return std::move(turn.out);
}

} // namespace sesslimit::core
