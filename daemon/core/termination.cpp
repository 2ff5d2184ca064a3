// SPDX-License-Identifier: MIT
// How a session is ended: told, asked, made to.
#include "daemon/core/decision_context.hpp"

#include <csignal>

namespace sesslimit::core {
namespace {

void stop(Turn& turn, const Session& session, int signal) {
    if (session.logind_id.empty()) {
        turn.out.effects.emplace_back(SignalLeader{session.key, signal});
    } else if (signal == SIGKILL) {
        turn.out.effects.emplace_back(KillAll{session.logind_id});
    } else {
        const bool expired = session.reason.cause == Cause::duration || session.reason.cause == Cause::idle;
        const bool keeps = turn.limits(session).keep_multiplexer.value == policy::KeepMultiplexer::yes;
        turn.out.effects.emplace_back(Terminate{session.logind_id, expired && keeps ? session.key : SessionKey::none});
    }
}

/// From asking it to stop to making it stop.
Span patience_with(Cause cause) {
    switch (cause) {
    case Cause::leader_gone:
        return Patience::leftovers;
    case Cause::displaced:
        return Patience::making_room;
    case Cause::none:
    case Cause::limit_reached:
    case Cause::duration:
    case Cause::idle:
    case Cause::asked:
        break;
    }
    return Patience::stopping;
}

void terminate(Turn& turn, Session& session) {
    stop(turn, session, SIGTERM);
    session.stage = Stage::terminated;
    session.due = after(turn.now, patience_with(session.reason.cause));
}

/// The reason goes to its terminals, and the terminals get a moment to show it.
void tell_reason(Turn& turn, Session& session) {
    session.stage = Stage::told;
    session.due = after(turn.now, Patience::reading);
    session.told_at = turn.now;
    turn.out.effects.emplace_back(Notice{.kind = Notice::Kind::ending,
                                         .session = session,
                                         .reason = session.reason,
                                         .message = turn.limits(session).message_of_end.value});
}

void force(Turn& turn, Session& session) {
    stop(turn, session, SIGKILL);
    if (session.stage != Stage::forced) {
        turn.tell(Notice::Kind::forced, session, session.reason);
    }
    session.stage = Stage::forced;
    session.due = after(turn.now, Patience::forcing);
}

} // namespace

void begin_end(Turn& turn, Session session, const Reason& reason) {
    const policy::Limits limits = turn.limits(session);
    if (reason.cause != Cause::asked && limits.mode.value == policy::Mode::observe) {
        if (!session.observed) {
            turn.out.effects.emplace_back(Notice{.kind = Notice::Kind::would_end,
                                                 .session = session,
                                                 .reason = reason,
                                                 .locks = Turn::locks(session, limits, reason.cause)});
        }
        session.observed = true;
        session.due = never;
        return turn.put(session);
    }
    session.phase = Phase::ending;
    session.reason = reason;
    session.stage = Stage::none;
    session.due = after(session.admitted, Patience::arriving);
    if (reason.cause != Cause::displaced || session.due <= turn.now) {
        tell_reason(turn, session);
    } // else a login so young that it has no terminal yet on which its user could read why
    if (reason.cause == Cause::leader_gone) {
        terminate(turn, session); // nobody is left to read anything
    }
    turn.put(session);
}

void go_on_ending(Turn& turn, Session session) {
    if (session.logind_id.empty() && session.leader.pid == 0) {
        return forget(turn, session); // nothing of it is left that anybody could end
    }
    switch (session.stage) {
    case Stage::none:
        tell_reason(turn, session);
        break;
    case Stage::told:
        terminate(turn, session);
        break;
    case Stage::terminated:
    case Stage::forced:
        force(turn, session);
        break;
    }
    turn.put(session);
}

void evict(Turn& turn, Session session) {
    const bool asked = session.stage != Stage::none;
    stop(turn, session, asked ? SIGKILL : SIGTERM);
    session.stage = asked ? Stage::forced : Stage::terminated;
    session.due = after(turn.now, asked ? Patience::forcing : Patience::stopping);
    turn.put(session);
}

void on_termination_requested(Turn& turn, const TerminationRequested& event) {
    const Session* session = turn.state.find(event.session);
    if (session != nullptr && (session->phase == Phase::reserved || session->phase == Phase::live)) {
        begin_end(turn, *session,
                  {.cause = Cause::asked, .count = 0, .span = {}, .by = event.by.substr(0, longest_by)});
    }
}

} // namespace sesslimit::core
