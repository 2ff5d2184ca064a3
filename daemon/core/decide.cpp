// SPDX-License-Identifier: MIT
#include "daemon/core/decide.hpp"

#include "daemon/core/decision_context.hpp"

namespace sesslimit::core {

void on_timer_expired(DecisionContext& context, const TimerExpired&) {
    const Session* session = context.state.next_due();
    if (session == nullptr || session->due > context.now) {
        return;
    }
    switch (session->phase) {
    case Phase::waiting:
        return continue_waiting(context, *session);
    case Phase::admitted:
    case Phase::active:
        return serve_limits(context, *session);
    case Phase::ending:
        return continue_termination(context, *session);
    case Phase::denied:
        return terminate_denied_login(context, *session);
    case Phase::closed: {
        Session quiet = *session;
        quiet.due = never;
        return context.put(quiet);
    }
    }
}

Decision decide(const policy::Policy& policy, const State& state, const Event& event, BootTime now) {
    DecisionContext context{.policy = policy, .state = state, .now = now};
    std::visit([&context](const auto& what) { take(context, what); }, event);
    return std::move(context.out);
}

} // namespace sesslimit::core
