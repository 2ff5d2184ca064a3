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
    case Phase::asking:
        return continue_asking(context, *session);
    case Phase::admitted:
    case Phase::active:
    case Phase::left_behind:
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

namespace {

/// Visitor that calls the handler function for the type of an event. The compiler rejects an event type without a
/// handler.
struct Dispatch {
    DecisionContext& context;
    void operator()(const OpenRequested& event) const { on_open_requested(context, event); }
    void operator()(const CloseRequested& event) const { on_close_requested(context, event); }
    void operator()(const RequestAborted& event) const { on_request_aborted(context, event); }
    void operator()(const LeaderExited& event) const { on_leader_exited(context, event); }
    void operator()(const LogindSessionNew& event) const { on_logind_session_new(context, event); }
    void operator()(const LogindSessionRemoved& event) const { on_logind_session_removed(context, event); }
    void operator()(const ActivityProbed& event) const { on_activity_probed(context, event); }
    void operator()(const TrafficSampled& event) const { on_traffic_sampled(context, event); }
    void operator()(const LogoutChecked& event) const { on_logout_checked(context, event); }
    void operator()(const ConnectionsChecked& event) const { on_connections_checked(context, event); }
    void operator()(const InputReceived& event) const { on_input_received(context, event); }
    void operator()(const ClockChanged& event) const { on_clock_changed(context, event); }
    void operator()(const TimerExpired& event) const { on_timer_expired(context, event); }
    void operator()(const PolicyChanged& event) const { on_policy_changed(context, event); }
    void operator()(const TerminationRequested& event) const { on_termination_requested(context, event); }
    void operator()(const SessionRestored& event) const { on_session_restored(context, event); }
    void operator()(const GroupsResolved& event) const { on_groups_resolved(context, event); }
    void operator()(const TerminalOpened& event) const { on_terminal_opened(context, event); }
    void operator()(const ProgramsPreserved& event) const { on_programs_preserved(context, event); }
    void operator()(const ScopeEmptied& event) const { on_scope_emptied(context, event); }
    void operator()(const ClaimAnswered& event) const { on_claim_answered(context, event); }
    void operator()(const FleetStateChanged& event) const { on_fleet_state_changed(context, event); }
    void operator()(const FleetLimitExceeded& event) const { on_fleet_limit_exceeded(context, event); }
    void operator()(const FleetTerminationRequested& event) const { on_fleet_termination_requested(context, event); }
};

} // namespace

Decision decide(const policy::Policy& policy, const State& state, const Event& event, BootTime now) {
    DecisionContext context{.policy = policy, .state = state, .now = now};
    std::visit(Dispatch{context}, event);
    settle_claims(context);
    return std::move(context.out);
}

} // namespace sesslimit::core
