// SPDX-License-Identifier: MIT
#include "daemon/effect_handler.hpp"

#include "common/local_login.hpp"
#include "common/text.hpp"
#include "daemon/inspect/activity_probe.hpp"
#include "daemon/inspect/kept_programs.hpp"
#include "daemon/inspect/processes.hpp"
#include "daemon/inspect/terminals.hpp"
#include "daemon/messages/journal_entry.hpp"
#include "daemon/messages/message_text.hpp"
#include "daemon/output/terminal_writer.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

namespace sesslimit {
namespace {

/// Maximum delay of the timer for session deadlines. The delay lets one wakeup of the daemon handle several deadlines
/// that are close together.
constexpr Duration deadline_accuracy = std::chrono::milliseconds(5);

/// Maximum number of PAM services for which the daemon logs that logind has no session of a login.
constexpr std::size_t max_reported_services = 16;

messages::WallClock clockface() {
    return {.now = boottime_now(), .wall_offset = wall_offset()};
}

std::string host_name() {
    // The array has space for the longest host name, which has 255 bytes (gethostname(2)), and a NUL.
    std::array<char, 256> name{};
    return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "this host";
}

void log_outcome(const ProgramPreserver::Outcome& outcome, output::Journal& journal) {
    const std::string session = "Terminating session " + escape_for_display(outcome.session.logind_id, 64) + " of " +
                                escape_for_display(outcome.session.login.user);
    const std::string kept =
        session + "; moved " + std::to_string(outcome.moved) + " processes of kept programs to " + outcome.scope + ".";
    if (!outcome.problem) {
        return journal.log(output::Priority::info, kept);
    }
    std::string text = kept + " Some processes of kept programs could not be moved";
    if (outcome.is_unclear) {
        text = session +
               "; failed to find all processes of kept programs. "
               "Processes that were already moved continue to run in " +
               outcome.scope;
    } else if (outcome.moved == 0) {
        text = session + " together with its kept programs, which could not be moved";
    }
    journal.log(output::Priority::warning, text + ": " + escape_for_display(outcome.problem->what) + ".");
}

} // namespace

SystemEffectHandler::SystemEffectHandler(Dependencies dependencies)
    : dependencies_(std::move(dependencies)), denials_(dependencies_.loop, dependencies_.journal),
      preserver_({
          .loop = dependencies_.loop,
          .scopes = dependencies_.scopes,
          .look = [](const core::Session& session, const std::string& scope,
                     const std::vector<std::string>& keep) { return inspect::kept_programs_of(session, scope, keep); },
          .terminate = [this](const core::Session& session) { terminate(session); },
          .told =
              [this](const ProgramPreserver::Outcome& outcome) {
                  log_outcome(outcome, dependencies_.journal);
                  if (outcome.moved > 0) {
                      dependencies_.events.handle(core::ProgramsPreserved{outcome.session, outcome.scope});
                  }
              },
      }),
      kept_scopes_(dependencies_.loop, dependencies_.events),
      missed_({.loop = dependencies_.loop,
               .worker = dependencies_.worker,
               .file = dependencies_.missed_file,
               .write =
                   [this](const core::Session& session, std::string_view text) {
                       return write_to_terminals(session, messages::with_header(text, clockface(), host_name()));
                   },
               .failed =
                   [this](const Error& error) {
                       dependencies_.journal.log(output::Priority::warning,
                                                 "Failed to keep the reasons of terminations for the next login: " +
                                                     error.what);
                   }}),
      sockets_(dependencies_.loop, dependencies_.connections.sock_diag()),
      deadline_(
          dependencies_.loop, CLOCK_BOOTTIME,
          [this] {
              armed_ = never;
              dependencies_.events.handle(core::TimerExpired{});
          },
          deadline_accuracy) {}

void SystemEffectHandler::answer(const core::Answer& answer, const core::State& state) {
    using Kind = core::Answer::Kind;
    wire::Verdict verdict;
    std::string text;
    switch (answer.kind) {
    case Kind::admitted:
        if (answer.announce) {
            text = messages::announcement(answer.session, *answer.announce, clockface());
        }
        verdict = {.outcome = wire::Outcome::admitted, .session = std::to_underlying(answer.session.key), .text = text};
        break;
    case Kind::uncounted:
        verdict.outcome = wire::Outcome::uncounted;
        break;
    case Kind::denied:
        if (!answer.quiet) {
            text = denial(answer, state);
            if (!is_local_login(answer.session.login.tty, answer.session.login.rhost)) {
                // It is unknown whether the program shows the text. git, rsync, sftp and machinectl do not.
                missed_.keep(answer.session.login.uid, messages::missed_denial(answer.session, clockface()));
            }
        }
        verdict = {.outcome = wire::Outcome::denied, .session = 0, .text = text};
        break;
    case Kind::noted:
        verdict.outcome = wire::Outcome::noted;
        break;
    case Kind::wait:
        return dependencies_.server.ask_to_wait(answer.request, answer.session.answer_by - boottime_now() +
                                                                    core::Timeouts::reply_margin);
    }
    dependencies_.server.answer(answer.request, verdict);
}

std::string SystemEffectHandler::denial(const core::Answer& answer, const core::State& state) {
    // The terminals of the user's sessions are read from a cache. Without the cache, each of many denied logins would
    // inspect all processes of the user, which may be thousands.
    const auto names = [this](const core::Session& session) {
        return dependencies_.snapshots.terminals.of(session, boottime_now()).terminals;
    };
    return messages::denial_text(answer.session, state, clockface(), names, answer.message);
}

void SystemEffectHandler::finish() {
    denials_.flush();
}

void SystemEffectHandler::log_notice(const core::Notice& notice) {
    if (notice.kind == core::Notice::Kind::denied) {
        return denials_.log(notice);
    }
    dependencies_.journal.log(messages::journal_entry(notice));
}

void SystemEffectHandler::notify(const core::Notice& notice) {
    log_notice(notice);
    dependencies_.api.emit(notice);
    const bool is_ending = notice.kind == core::Notice::Kind::ending;
    const std::string text = messages::notice_text(notice, clockface());
    Terminals terminals;
    if (is_ending || !text.empty()) {
        terminals = terminals_of(notice.session).value_or(Terminals{});
    }
    if (is_ending) {
        std::ranges::for_each(terminals, output::restart_output);
    }
    const bool is_shown = !text.empty() && write(messages::with_header(text, clockface(), host_name()), terminals);
    if (is_ending && !is_shown && !notice.quiet && !notice.session.graphical) {
        missed_.keep(notice.session.login.uid, messages::missed_termination(notice, clockface()));
    }
}

void SystemEffectHandler::offer_missed_reason(const core::Session& session) {
    missed_.offer(session);
}

void SystemEffectHandler::report_denial(const core::ReportDenial& what) {
    write_to_terminals(what.session, messages::denial_report(what.denied, clockface(), host_name()));
}

bool SystemEffectHandler::write_to_terminals(const core::Session& session, const std::string& text) {
    return write(text, terminals_of(session).value_or(Terminals{}));
}

bool SystemEffectHandler::write(const std::string& text, const Terminals& terminals) {
    std::size_t missed = 0;
    // Only the first error is logged, because writes to thousands of terminals may fail.
    std::string why;
    for (const inspect::Terminal& terminal : terminals) {
        if (auto written = output::write_notice(terminal, text); !written && ++missed == 1) {
            why = written.error().what;
        }
    }
    if (missed > 0) {
        dependencies_.journal.log(output::Priority::info,
                                  "Failed to write a notice to a terminal: " + why +
                                      (missed > 1 ? " (and " + std::to_string(missed - 1) + " more)" : ""));
    }
    return missed < terminals.size();
}

std::optional<SystemEffectHandler::Terminals> SystemEffectHandler::terminals_of(const core::Session& session) {
    auto terminals = inspect::terminals_of(session);
    if (!terminals) {
        log_inspection_failure(terminals.error());
        return std::nullopt;
    }
    return *std::move(terminals);
}

void SystemEffectHandler::log_inspection_failure(const Error& why) {
    if (!std::exchange(inspection_failed_, true)) {
        dependencies_.journal.log(
            output::Priority::warning,
            "Failed to inspect sessions. "
            "Idle limits are not enforced and notices may be lost until an inspection succeeds: " +
                why.what);
    }
}

void SystemEffectHandler::terminate(const core::Session& session) {
    if (session.logged_out == BootTime{}) {
        dependencies_.logind.terminate(session.logind_id);
    } else {
        dependencies_.logind.kill_all(session.logind_id, SIGTERM);
    }
}

void SystemEffectHandler::preserve_and_terminate(const core::Session& session, const std::vector<std::string>& keep) {
    preserver_.begin(session, keep);
}

void SystemEffectHandler::lock_screen(const std::string& logind_id) {
    dependencies_.logind.lock(logind_id);
}

void SystemEffectHandler::kill_scope(const std::string& scope, int signal) {
    dependencies_.scopes.kill(scope, signal);
}

void SystemEffectHandler::kill_all(const std::string& logind_id) {
    dependencies_.logind.kill_all(logind_id, SIGKILL);
}

void SystemEffectHandler::signal_leader(const core::SignalLeader& what) {
    if (what.parent.pid != 0) {
        inspect::signal_descendants(what.parent, what.signal);
    }
    if (auto sent = dependencies_.leaders.signal(what.session, what.signal); !sent && sent.error().code != ESRCH) {
        dependencies_.journal.log(output::Priority::warning,
                                  "Failed to signal the leader process of a session: " + sent.error().what);
    }
}

std::optional<core::ActivityProbed> SystemEffectHandler::probe_activity(const core::Session& session) {
    if (session.graphical) {
        dependencies_.logind.ask_idle_hint(session.logind_id, [this, key = session.key](Duration hint) {
            core::ActivitySample sample;
            sample.wall_offset = wall_offset();
            sample.hint = hint;
            dependencies_.events.handle(core::ActivityProbed{.session = key, .sample = sample});
        });
        return std::nullopt;
    }
    const bool requested = read_sockets(
        session, [this, session](const Sockets& sockets) { dependencies_.events.handle(probe_now(session, sockets)); });
    return requested ? std::nullopt : std::optional(core::ActivityProbed{.session = session.key, .sample = {}});
}

void SystemEffectHandler::sample_traffic(const core::Session& session) {
    const auto report = [this, key = session.key](std::optional<core::TrafficSample> sample) {
        dependencies_.events.handle(core::TrafficSampled{.session = key, .sample = std::move(sample)});
    };
    const bool requested =
        read_sockets(session, [this, report, connection = session.login.connection](const Sockets& sockets) {
            report(sample_now(connection, sockets, boottime_now()));
        });
    if (!requested) {
        report(std::nullopt);
    }
}

bool SystemEffectHandler::read_sockets(const core::Session& session, std::function<void(const Sockets&)> receive) {
    const auto group = inspect::control_group_of(session);
    if (!group) {
        receive(std::nullopt);
        return true;
    }
    const auto requested = sockets_.request(*group, std::move(receive));
    if (!requested) {
        log_inspection_failure(requested.error());
    }
    return requested.has_value();
}

core::ActivityProbed SystemEffectHandler::probe_now(const core::Session& session, const Sockets& sockets) {
    auto sample = inspect::activity_sample_of(session, dependencies_.connections);
    if (!sample) {
        log_inspection_failure(sample.error());
        return {.session = session.key, .sample = {}};
    }
    auto traffic = sample_now(session.login.connection, sockets, boottime_now());
    if (!traffic) {
        return {.session = session.key, .sample = {}};
    }
    static_cast<core::TrafficSample&>(*sample) = *std::move(traffic);
    sample->wall_offset = wall_offset();
    return {.session = session.key, .sample = *std::move(sample)};
}

std::optional<core::TrafficSample> SystemEffectHandler::sample_now(const std::string& ssh_connection,
                                                                   const Sockets& sockets, BootTime now) {
    using Coverage = monitor::GroupSockets::Coverage;
    if (sockets && sockets->coverage == Coverage::incomplete) {
        log_inspection_failure(
            fail("failed to read the list of TCP sockets completely; the host may have too many").error());
        return std::nullopt;
    }
    inspection_failed_ = false;
    core::TrafficSample sample;
    if (sockets && sockets->coverage == Coverage::complete) {
        sample.sockets.emplace();
        for (const inspect::Traffic& traffic : sockets->sockets) {
            sample.sockets->push_back(inspect::socket_sample_of(traffic, now));
        }
    }
    const auto connection =
        ssh_connection.empty() ? std::nullopt : dependencies_.connections.traffic_of(ssh_connection);
    if (connection) {
        sample.connection = inspect::socket_sample_of(*connection, now);
    }
    return sample;
}

Duration SystemEffectHandler::unacknowledged(const core::Session& session) {
    const auto traffic = dependencies_.connections.traffic_of(session.login.connection);
    return traffic ? traffic->unacknowledged : Duration{};
}

void SystemEffectHandler::report_missing_logind(const core::Session& session) {
    const std::string service = escape_for_display(session.login.service);
    if (reported_services_.size() >= max_reported_services || !reported_services_.insert(service).second) {
        return;
    }
    dependencies_.journal.log(
        output::Priority::warning,
        "logind has no session for a login through the PAM service " + service +
            ". Its session is counted, and is terminated by signals to its login process and the children of that "
            "process. Check that the session stack of this service contains pam_systemd.so after pam_sesslimit.so.");
}

void SystemEffectHandler::check_logout(const core::CheckLogout& what) {
    dependencies_.logind.ask_session(what.logind_id, [this, key = what.session](const auto& session) {
        using State = core::LogoutChecked::State;
        const State answered = session && session->closing ? State::closing : State::open;
        dependencies_.events.handle(core::LogoutChecked{.session = key, .state = session ? answered : State::unknown});
    });
}

void SystemEffectHandler::claim_fleet_slot(const core::Session& session, bool enforced) {
    dependencies_.fleet.claim(session, enforced);
}

void SystemEffectHandler::list_in_fleet(const core::Session& session) {
    dependencies_.fleet.list(session);
}

void SystemEffectHandler::release_fleet_slot(SessionKey key) {
    dependencies_.fleet.release(key);
}

void SystemEffectHandler::report_fleet_termination(const core::ReportFleetTermination& what) {
    dependencies_.fleet.report(what);
}

void SystemEffectHandler::track(const core::Session& session) {
    // track() is called after every change of a session, but the pidfd of the leader process is requested from the PAM
    // server only once.
    if (session.leader.pid != 0 && !dependencies_.leaders.tracks(session.key)) {
        const auto tracked =
            dependencies_.leaders.track(session.key, session.leader, dependencies_.server.take_pidfd(session.leader));
        if (!tracked) {
            log_tracking_failure(tracked.error());
        } else if (!*tracked) {
            dependencies_.events.handle(core::LeaderExited{session.key});
        }
    }
    if (session.kept && !kept_scopes_.tracks(session.key)) {
        const auto group = inspect::scope_of(session, inspect::host_paths);
        const auto tracked = group ? kept_scopes_.track(session.key, *group) : false;
        if (!tracked) {
            dependencies_.journal.log(output::Priority::warning,
                                      "Failed to watch " + escape_for_display(session.scope) +
                                          ", so its end is not detected: " + tracked.error().what);
        } else if (!*tracked) {
            dependencies_.events.handle(core::ScopeEmptied{session.key});
        }
    }
    // After a warning that the session will be terminated because it is idle, its terminals are monitored for input, so
    // that a key press takes effect immediately.
    if (core::is_idle_warned(session)) {
        if (!dependencies_.listener.listens(session.key)) {
            if (const auto terminals = terminals_of(session)) {
                dependencies_.listener.listen(session.key, *terminals);
            }
        }
    } else {
        dependencies_.listener.stop(session.key);
    }
}

void SystemEffectHandler::log_tracking_failure(const Error& why) {
    dependencies_.journal.log(output::Priority::warning,
                              "Failed to track the leader process of a session, retrying: " + why.what);
}

void SystemEffectHandler::untrack(SessionKey key) {
    dependencies_.leaders.untrack(key);
    kept_scopes_.untrack(key);
    dependencies_.listener.stop(key);
    dependencies_.snapshots.forget(key);
}

void SystemEffectHandler::arm(BootTime deadline) {
    if (const auto watched = dependencies_.leaders.watch_new(); !watched) {
        log_tracking_failure(watched.error());
    }
    // The timer is not set to a later time. It then expires without a session that is due, and is armed again.
    // Otherwise each login would set it twice, because the session is due until logind has announced it.
    if (deadline >= armed_) {
        return;
    }
    armed_ = deadline;
    if (const auto armed = deadline_.arm_at(deadline.time_since_epoch()); !armed) {
        // Arming the timer failed. Because `armed_` is reset, the next call of arm() tries again.
        armed_ = never;
        dependencies_.journal.log(output::Priority::error,
                                  "Failed to schedule session deadlines: " + armed.error().what);
    }
}

} // namespace sesslimit
