// SPDX-License-Identifier: MIT
#include "daemon/engine.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace sesslimit {
namespace {

/// Maximum number of session deadlines that are handled in a row, so that other events such as logins are not delayed.
constexpr int due_batch_size = 64;

template <class... Ts>
struct Overloaded : Ts... {
    using Ts::operator()...;
};

} // namespace

void EventQueue::handle(core::Event event) {
    events_.push_back(std::move(event));
    if (engine_ != nullptr) {
        engine_->drain();
    }
}

Engine::Engine(EventQueue& queue, Recorder& recorder, EffectHandler& handler, std::function<BootTime()> clock)
    : queue_(queue), recorder_(recorder), handler_(handler), clock_(std::move(clock)) {
    queue_.engine_ = this;
    // Session keys are numbers that start from the current boottime in microseconds. Fewer sessions are opened than
    // microseconds pass, so a restarted daemon never reuses a key of the same boot, even if the ledger is lost.
    state_.give_keys_from(
        SessionKey{static_cast<std::uint64_t>(std::max(Duration{1}, clock_().time_since_epoch()).count())});
}

void Engine::set_policy(std::shared_ptr<const policy::Policy> policy) {
    policy_ = std::move(policy);
    queue_.handle(core::PolicyChanged{});
}

void Engine::reconcile(const std::vector<std::string>& ids) {
    const std::unordered_set<std::string> listed(ids.begin(), ids.end());
    std::vector<std::string> gone;
    for (const auto& [key, session] : state_.sessions()) {
        if (!session.logind_id.empty() && !listed.contains(session.logind_id)) {
            gone.push_back(session.logind_id);
        }
    }
    for (std::string& id : gone) {
        queue_.handle(core::LogindSessionRemoved{std::move(id)});
    }
}

void Engine::drain() {
    // drain() is already running and has executed an effect that added this event. The outer call of drain() handles
    // it.
    if (draining_) {
        return;
    }
    draining_ = true;
    int served = 0;
    while (!queue_.events_.empty()) {
        const core::Event event = std::move(queue_.events_.front());
        queue_.events_.pop_front();
        step(event);
        // One event TimerExpired handles the deadline of only one session. If the deadline of another session has also
        // passed, the event is added again.
        if (std::holds_alternative<core::TimerExpired>(event) && ++served < due_batch_size && next_due() <= clock_()) {
            queue_.events_.emplace_back(core::TimerExpired{});
        }
    }
    draining_ = false;
    handler_.arm(next_due());
}

BootTime Engine::next_due() const {
    const core::Session* next = state_.next_due();
    return next == nullptr ? never : next->due;
}

void Engine::step(const core::Event& event) {
    const core::Decision decision = decide(*policy_, state_, event, clock_());
    for (const core::Record& record : decision.records) {
        std::visit(Overloaded{[this](const core::Put& put) { recorder_.put(put.session); },
                              [this](const core::Drop& drop) { recorder_.drop(drop.session); },
                              [](const core::PutDisplacements&) {}, [](const core::PutFleetState&) {}},
                   record);
    }
    apply(state_, decision);
    // A leader process is tracked before the login is answered, because the PAM server closes the pidfd of the process
    // when it sends the answer. Terminals are monitored before warnings are written, so that input immediately after a
    // warning is detected.
    for (const core::Record& record : decision.records) {
        if (const auto* put = std::get_if<core::Put>(&record)) {
            handler_.track(put->session);
        }
    }
    for (const core::Answer& answer : decision.answers) {
        handler_.answer(answer, state_);
    }
    for (const core::Effect& effect : decision.effects) {
        carry_out(effect);
    }
    if (!decision.records.empty()) {
        recorder_.check();
    }
    // Effects may send signals to leaders, so leaders are untracked only after all effects have been executed.
    for (const core::Record& record : decision.records) {
        if (const auto* drop = std::get_if<core::Drop>(&record)) {
            handler_.untrack(drop->session);
        }
    }
}

void Engine::check_connections(const core::CheckConnections& what) {
    core::ConnectionsChecked checked{.waiting = what.waiting, .budget = what.budget, .connections = {}};
    for (const SessionKey key : what.sessions) {
        if (const core::Session* session = state_.find(key)) {
            checked.connections.push_back({key, handler_.unacknowledged(*session)});
        }
    }
    // Events that were added before may change the same sessions. The core checks them again.
    queue_.events_.emplace_back(std::move(checked));
}

void Engine::start_probes() {
    postpones_probes_ = false;
    for (const SessionKey key : std::exchange(postponed_probes_, {})) {
        probe_activity(key);
    }
    drain();
}

void Engine::probe_activity(SessionKey key) {
    if (postpones_probes_) {
        postponed_probes_.push_back(key);
        return;
    }
    const core::Session* session = state_.find(key);
    if (auto looked = session == nullptr ? std::nullopt : handler_.probe_activity(*session)) {
        queue_.events_.emplace_back(*std::move(looked));
    }
}

void Engine::carry_out(const core::Effect& effect) {
    std::visit(
        Overloaded{
            [this](const core::Notice& notice) { handler_.notify(notice); },
            [this](const core::Terminate& what) {
                const core::Session& session = state_.at(what.session);
                if (what.keep.empty()) {
                    handler_.terminate(session);
                } else {
                    handler_.preserve_and_terminate(session, what.keep);
                }
            },
            [this](const core::CheckLogout& what) { handler_.check_logout(what); },
            [this](const core::CheckConnections& what) { check_connections(what); },
            [this](const core::ReportDenial& what) { handler_.report_denial(what); },
            [this](const core::OfferMissedReason& what) { handler_.offer_missed_reason(state_.at(what.session)); },
            [this](const core::Lock& what) { handler_.lock_screen(what.logind_id); },
            [this](const core::KillAll& what) { handler_.kill_all(what.logind_id); },
            [this](const core::KillScope& what) { handler_.kill_scope(what.scope, what.signal); },
            [this](const core::SignalLeader& what) { handler_.signal_leader(what); },
            [this](const core::ClaimFleetSlot& what) {
                handler_.claim_fleet_slot(state_.at(what.session), what.enforced);
            },
            [this](const core::ListInFleet& what) { handler_.list_in_fleet(state_.at(what.session)); },
            [this](const core::ReleaseFleetSlot& what) { handler_.release_fleet_slot(what.session); },
            [this](const core::ReportFleetTermination& what) { handler_.report_fleet_termination(what); },
            [this](const core::ReportMissingLogind& what) { handler_.report_missing_logind(what.session); },
            [this](const core::ProbeActivity& what) { probe_activity(what.session); },
            [this](const core::SampleTraffic& what) {
                if (const core::Session* session = state_.find(what.session)) {
                    handler_.sample_traffic(*session);
                }
            }},
        effect);
}

} // namespace sesslimit
