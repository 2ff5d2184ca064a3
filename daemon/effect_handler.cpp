// SPDX-License-Identifier: MIT
#include "daemon/effect_handler.hpp"

#include "common/text.hpp"
#include "daemon/inspect/cpu_usage.hpp"
#include "daemon/inspect/multiplexer.hpp"
#include "daemon/inspect/tcp_activity.hpp"
#include "daemon/inspect/terminals.hpp"
#include "daemon/messages/message_text.hpp"
#include "daemon/output/terminal_writer.hpp"

#include <unistd.h>

#include <array>
#include <utility>

namespace sesslimit {
namespace {

/// Permitted delay of a deadline, in microseconds, so that one wakeup can handle several deadlines.
constexpr std::uint64_t accuracy_usec = 5000;

Duration wall_offset() {
    return realtime_now() - boottime_now().time_since_epoch();
}

messages::WallClock clockface() {
    return {.now = boottime_now(), .wall_offset = wall_offset()};
}

std::string host_name() {
    std::array<char, 256> name{}; // one byte more than the maximum length of a name (gethostname(2))
    return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "this host";
}

/// Returns an activity sample of a session that is not graphical. Errors: the session cannot be inspected. A sample
/// without values would wrongly show an idle session.
Result<core::ActivitySample> sample_of(const core::Session& session, inspect::Connections& connections) {
    const auto terminals = inspect::terminals_of(session);
    const auto processor_time = terminals ? inspect::processor_time_of(session) : std::unexpected(terminals.error());
    if (!processor_time) {
        return std::unexpected(processor_time.error());
    }
    const auto input = inspect::youngest_input(*terminals);
    const auto output = input ? inspect::youngest_output(*terminals) : std::unexpected(input.error());
    if (!output) {
        return std::unexpected(output.error());
    }
    core::ActivitySample sample;
    sample.wall_offset = wall_offset();
    sample.input = *input;
    sample.output = *output;
    sample.processor_time = *processor_time;
    if (session.login.connection.empty()) {
        return sample;
    }
    if (const auto traffic = connections.traffic_of(session.login.connection)) {
        sample.traffic = {.bytes_in = traffic->bytes_in,
                          .bytes_out = traffic->bytes_out,
                          .segments_in = traffic->segments_in,
                          .segments_out = traffic->segments_out,
                          .cookie = traffic->cookie};
        sample.since_data = traffic->since_data;
    }
    return sample;
}

/// Returns true if the input of the session must be monitored. In a warned session, a key press takes effect
/// immediately.
bool is_listened_to(const core::Session& session) {
    return session.phase == core::Phase::active && session.idle_warned != unlimited_duration &&
           session.idle_warned != core::screen_locked;
}

void tell_of_multiplexer(const MultiplexerPreserver::Outcome& outcome, output::Journal& journal) {
    const std::string session = "Terminating session " + escape_for_display(outcome.session.logind_id, 64) + " of " +
                                escape_for_display(outcome.session.login.user);
    const std::string kept =
        session + "; moved " + std::to_string(outcome.moved) + " multiplexer processes to " + outcome.scope + ".";
    if (!outcome.problem) {
        return journal.log(output::Priority::info, kept);
    }
    std::string text = kept + " Some processes could not be moved";
    if (outcome.is_unclear) {
        text = session + "; failed to find all processes of its multiplexer, processes already moved continue in " +
               outcome.scope;
    } else if (outcome.moved == 0) {
        text = session + " with its multiplexer, which could not be moved";
    }
    journal.log(output::Priority::warning, text + ": " + escape_for_display(outcome.problem->what) + ".");
}

} // namespace

void SystemEffectHandler::attach(Dependencies dependencies) {
    dependencies_.emplace(std::move(dependencies));
    denials_.emplace(dependencies_->loop, dependencies_->journal);
    preserver_.emplace(MultiplexerPreserver::Dependencies{
        .loop = dependencies_->loop,
        .scopes = dependencies_->scopes,
        .look = [](const core::Session& session,
                   const std::string& scope) { return inspect::multiplexer_of(session, scope); },
        .terminate = [this](const std::string& logind_id) { dependencies_->logind.terminate(logind_id); },
        .told =
            [this](const MultiplexerPreserver::Outcome& outcome) {
                tell_of_multiplexer(outcome, dependencies_->journal);
            },
    });
}

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
        text = denial(answer, state);
        verdict = {.outcome = wire::Outcome::denied, .session = 0, .text = text};
        break;
    case Kind::noted:
        verdict.outcome = wire::Outcome::noted;
        break;
    case Kind::wait:
        return dependencies_->server.ask_to_wait(answer.request, answer.session.answer_by - boottime_now() +
                                                                     core::Timeouts::reply_margin);
    }
    dependencies_->server.answer(answer.request, verdict);
}

std::string SystemEffectHandler::denial(const core::Answer& answer, const core::State& state) const {
    // The terminal names come from a cache, because a user may have thousands of processes and may cause thousands of
    // denials.
    const auto names = [this](const core::Session& session) {
        return dependencies_->backend.terminal_snapshot(session).terminals;
    };
    return messages::denial_text(answer.session, state, clockface(), names, answer.message);
}

void SystemEffectHandler::finish() {
    if (denials_) {
        denials_->flush();
    }
}

void SystemEffectHandler::log_notice(const core::Notice& notice) {
    if (notice.kind == core::Notice::Kind::denied) {
        return denials_->log(notice);
    }
    dependencies_->journal.log(messages::journal_entry(notice));
}

void SystemEffectHandler::notify(const core::Notice& notice) {
    log_notice(notice);
    dependencies_->api.emit(notice);
    const std::string text = messages::terminal_text(notice, clockface(), host_name());
    if (text.empty()) {
        return;
    }
    std::size_t missed = 0;
    std::string why; // error of the first terminal only, because thousands of terminals may fail
    for (const inspect::Terminal& terminal : terminals_of(notice.session).value_or(std::vector<inspect::Terminal>{})) {
        if (auto written = output::write_notice(terminal, text); !written && ++missed == 1) {
            why = written.error().what;
        }
    }
    if (missed > 0) {
        dependencies_->journal.log(output::Priority::info,
                                   "Failed to write notice to terminal: " + why +
                                       (missed > 1 ? " (and " + std::to_string(missed - 1) + " more)" : ""));
    }
}

std::optional<std::vector<inspect::Terminal>> SystemEffectHandler::terminals_of(const core::Session& session) {
    auto terminals = inspect::terminals_of(session);
    if (!terminals) {
        log_inspection_failure(terminals.error());
        return std::nullopt;
    }
    return *std::move(terminals);
}

void SystemEffectHandler::log_inspection_failure(const Error& why) {
    if (!std::exchange(inspection_failed_, true)) {
        dependencies_->journal.log(
            output::Priority::warning,
            "Failed to inspect sessions; idle limits are suspended and notices may be lost until this recovers: " +
                why.what);
    }
}

void SystemEffectHandler::terminate(const core::Terminate& what) {
    const core::Session* session = what.preserve_multiplexer_of == SessionKey::none
                                       ? nullptr
                                       : dependencies_->backend.state().find(what.preserve_multiplexer_of);
    if (session == nullptr) {
        return dependencies_->logind.terminate(what.logind_id);
    }
    preserver_->begin(*session);
}

void SystemEffectHandler::lock_screen(const std::string& logind_id) {
    dependencies_->logind.lock(logind_id);
}

void SystemEffectHandler::kill_all(const std::string& logind_id) {
    dependencies_->logind.kill_all(logind_id);
}

void SystemEffectHandler::signal_leader(SessionKey key, int signal) {
    if (auto sent = dependencies_->leaders.signal(key, signal); !sent && sent.error().code != ESRCH) {
        dependencies_->journal.log(output::Priority::warning, "Failed to signal session leader: " + sent.error().what);
    }
}

std::optional<core::ActivityProbed> SystemEffectHandler::probe_activity(const core::Session& session) {
    if (session.graphical) {
        dependencies_->logind.ask_idle_hint(session.logind_id, [this, key = session.key](Duration hint) {
            core::ActivitySample sample;
            sample.wall_offset = wall_offset();
            sample.hint = hint;
            dependencies_->noticed(core::ActivityProbed{.session = key, .sample = sample});
        });
        return std::nullopt;
    }
    auto sample = sample_of(session, dependencies_->connections);
    if (sample) {
        inspection_failed_ = false;
    } else {
        log_inspection_failure(sample.error());
    }
    return core::ActivityProbed{.session = session.key,
                                .sample = sample ? std::optional(*std::move(sample)) : std::nullopt};
}

void SystemEffectHandler::check_logout(const core::CheckLogout& what) {
    dependencies_->logind.ask_session(what.logind_id, [this, key = what.session](const auto& session) {
        using State = core::LogoutChecked::State;
        const State answered = session && session->closing ? State::closing : State::open;
        dependencies_->noticed(core::LogoutChecked{.session = key, .state = session ? answered : State::unknown});
    });
}

void SystemEffectHandler::track(const core::Session& session) {
    if (session.leader.pid != 0) {
        const auto tracked = dependencies_->leaders.track(session.key, session.leader);
        if (!tracked) {
            dependencies_->journal.log(output::Priority::warning,
                                       "Failed to track session leader, retrying: " + tracked.error().what);
        } else if (!*tracked) {
            dependencies_->noticed(core::LeaderExited{session.key});
        }
    }
    if (is_listened_to(session)) {
        if (!dependencies_->listener.listens(session.key)) {
            if (const auto terminals = terminals_of(session)) {
                dependencies_->listener.listen(session.key, *terminals);
            }
        }
    } else {
        dependencies_->listener.stop(session.key);
    }
}

void SystemEffectHandler::untrack(SessionKey key) {
    dependencies_->leaders.untrack(key);
    dependencies_->listener.stop(key);
    dependencies_->backend.forget(key);
}

void SystemEffectHandler::arm(BootTime deadline) {
    if (deadline == armed_) {
        return;
    }
    armed_ = deadline;
    const auto at = static_cast<std::uint64_t>(std::max(Duration{}, deadline.time_since_epoch()).count());
    if (!timer_) {
        sd_event_source* source = nullptr;
        const int code = sd_event_add_time(dependencies_->loop, &source, CLOCK_BOOTTIME, at, accuracy_usec,
                                           &SystemEffectHandler::on_due, this);
        timer_.reset(source);
        if (code < 0) {
            armed_ = never; // arm() is retried after the next event
            dependencies_->journal.log(output::Priority::error, "Failed to schedule session deadlines: " +
                                                                    fail_errno("arm a timer", -code).error().what);
        }
        return;
    }
    sd_event_source_set_time(timer_.get(), at);
    sd_event_source_set_enabled(timer_.get(), deadline == never ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

int SystemEffectHandler::on_due(sd_event_source*, std::uint64_t, void* self) {
    auto& host = *static_cast<SystemEffectHandler*>(self);
    host.armed_ = never;
    host.dependencies_->due();
    return 0;
}

} // namespace sesslimit
