// SPDX-License-Identifier: MIT
// Termination of a session, in stages: a notice to the user, a request to stop (such as SIGTERM), and SIGKILL.
#include "common/local_login.hpp"
#include "daemon/core/decision_context.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

namespace sesslimit::core {
namespace {

void send_signal(DecisionContext& context, const Session& session, int signal) {
    if (session.kept) {
        context.out.effects.emplace_back(KillScope{session.scope, signal});
    } else if (session.logind_id.empty()) {
        // The leader of a login without a terminal and without an ssh connection may also serve other users, for
        // example in an FTP server, so that its children may belong to other sessions.
        const bool is_own = !session.login.connection.empty() || session.terminal == Terminal::some;
        const bool reaches_children = session.phase == Phase::ending && is_own;
        context.out.effects.emplace_back(
            SignalLeader{session.key, signal, reaches_children ? session.leader : Leader{}});
    } else if (signal == SIGKILL) {
        context.out.effects.emplace_back(KillAll{session.logind_id});
    } else {
        Terminate terminate{session.logind_id, session.key, session.logged_out != BootTime{}, {}};
        if (session.reason.cause != Cause::requested) {
            terminate.keep = context.limits(session).keep.value.programs;
        }
        context.out.effects.emplace_back(std::move(terminate));
    }
}

/// Returns the time from the request to stop (such as SIGTERM) to SIGKILL, for a termination with the cause `cause`.
Duration kill_delay_for(Cause cause) {
    switch (cause) {
    case Cause::leader_gone:
        return Timeouts::orphan_kill_delay;
    case Cause::displaced:
        return Timeouts::displaced_kill_delay;
    case Cause::none:
    case Cause::limit_reached:
    case Cause::duration:
    case Cause::idle:
    case Cause::requested:
    case Cause::logind_idle:
    case Cause::fleet_limit_reached:
    case Cause::fleet_unavailable:
        break;
    }
    return Timeouts::kill_delay;
}

void terminate(DecisionContext& context, Session& session) {
    send_signal(context, session, SIGTERM);
    session.stage = TerminationStage::sigterm_sent;
    session.due = after(context.now, kill_delay_for(session.reason.cause));
}

/// Returns the time from the notice about the termination to the request to stop. If a login waits for the session, it
/// is shorter, so that the session exits before that login is denied, even if it must be killed.
Duration notice_display_for(const DecisionContext& context, const Session& session) {
    const bool is_shown = context.limits(session).quiet.value != policy::Quiet::yes;
    if (!is_shown || !is_local_login(session.login.tty, session.login.rhost)) {
        return Timeouts::notice_display;
    }
    if (session.reason.cause != Cause::displaced) {
        return Timeouts::local_notice_display;
    }
    Duration longest = Timeouts::local_displacement_display;
    for (const SessionKey key : context.state.of_user(session.login.uid)) {
        if (const Session& other = context.state.at(key); other.phase == Phase::waiting) {
            longest = std::min(longest,
                               other.answer_by - context.now - Timeouts::displaced_kill_delay - Timeouts::reply_margin);
        }
    }
    return std::max(longest, Timeouts::notice_display);
}

/// Writes the reason of the termination to the terminals of the session. The next stage of the termination follows
/// after a delay, so that the user can read the reason.
void notify_reason(DecisionContext& context, Session& session, const std::string& note = {}) {
    session.stage = TerminationStage::notified;
    session.due = after(context.now, notice_display_for(context, session));
    session.last_notice_at = context.now;
    const policy::Limits limits = context.limits(session);
    context.out.effects.emplace_back(Notice{.kind = Notice::Kind::ending,
                                            .session = session,
                                            .reason = named_reason(session, session.reason),
                                            .message = limits.message_of_end.value,
                                            .note = note,
                                            .quiet = limits.quiet.value == policy::Quiet::yes});
}

void kill(DecisionContext& context, Session& session) {
    send_signal(context, session, SIGKILL);
    if (!session.logind_id.empty() && session.leader.pid != 0) {
        // If the scope of the session was stopped while the login was still opening, the leader never moved into it.
        // logind then does not reach the leader, which is signaled directly. As the first signal is SIGTERM, sshd and
        // login can close the session.
        const bool asked = session.stage == TerminationStage::sigkill_sent;
        context.out.effects.emplace_back(SignalLeader{session.key, asked ? SIGKILL : SIGTERM});
    }
    if (session.stage != TerminationStage::sigkill_sent) {
        context.notify(Notice::Kind::forced, session, named_reason(session, session.reason));
    }
    session.stage = TerminationStage::sigkill_sent;
    session.due = after(context.now, Timeouts::kill_retry);
}

} // namespace

void begin_termination(DecisionContext& context, Session session, const Reason& reason, const std::string& note) {
    const policy::Limits limits = context.limits(session);
    if (reason.cause != Cause::requested && limits.mode.value == policy::Mode::observe) {
        if (!session.observed) {
            context.out.effects.emplace_back(Notice{.kind = Notice::Kind::would_end,
                                                    .session = session,
                                                    .reason = named_reason(session, reason),
                                                    .locks = DecisionContext::locks(session, limits, reason.cause)});
        }
        session.observed = true;
        session.due = never;
        return context.put(session);
    }
    session.phase = Phase::ending;
    session.reason = reason;
    session.stage = TerminationStage::pending;
    session.due = after(session.admitted, Timeouts::terminal_setup);
    // A session that was admitted less than Timeouts::terminal_setup ago may not have a terminal yet. If a newer login
    // displaces such a session, the reason is written to the terminal when that time is over.
    if (reason.cause != Cause::displaced || session.due <= context.now) {
        notify_reason(context, session, note);
    }
    if (reason.cause == Cause::leader_gone) {
        terminate(context, session); // the user has already left
    }
    context.put(session);
}

void continue_termination(DecisionContext& context, Session session) {
    if (session.logind_id.empty() && session.leader.pid == 0 && !session.kept) {
        return remove_session(context, session); // all processes of the session have exited
    }
    switch (session.stage) {
    case TerminationStage::pending:
        notify_reason(context, session);
        break;
    case TerminationStage::notified:
        terminate(context, session);
        break;
    case TerminationStage::sigterm_sent:
    case TerminationStage::sigkill_sent:
        kill(context, session);
        break;
    }
    context.put(session);
}

void terminate_denied_login(DecisionContext& context, Session session) {
    if (session.login.connection.empty() && session.logind_id.empty()) {
        context.out.records.emplace_back(Drop{session.key}); // a local login whose process has no session
        return;
    }
    const bool asked = session.stage != TerminationStage::pending;
    send_signal(context, session, asked ? SIGKILL : SIGTERM);
    session.stage = asked ? TerminationStage::sigkill_sent : TerminationStage::sigterm_sent;
    session.due = after(context.now, asked ? Timeouts::kill_retry : Timeouts::kill_delay);
    context.put(session);
}

void on_termination_requested(DecisionContext& context, const TerminationRequested& event) {
    const Session* session = context.state.find(event.session);
    if (session != nullptr && is_terminable(*session)) {
        begin_termination(context, *session,
                          {.cause = Cause::requested,
                           .count = event.by.uid,
                           .span = {},
                           .by = event.by.name.substr(0, max_by_length),
                           .limit = {},
                           .person = event.by.person.substr(0, max_by_length)},
                          event.by.message.substr(0, max_note_length));
    }
}

} // namespace sesslimit::core
