// SPDX-License-Identifier: MIT
#include "daemon/engine.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace sesslimit {
namespace {

constexpr int due_batch_size = 64;

template <class... Ts>
struct Overloaded : Ts... {
    using Ts::operator()...;
};

} // namespace

Engine::Engine(Recorder& recorder, EffectHandler& handler, std::function<BootTime()> clock)
    : recorder_(recorder), handler_(handler), clock_(std::move(clock)) {
    // Keys start from the current time in microseconds. They are unique per boot, even if a ledger is lost in a
    // restart, because two sessions never arrive in the same microsecond.
    state_.give_keys_from(
        SessionKey{static_cast<std::uint64_t>(std::max(Duration{1}, clock_().time_since_epoch()).count())});
}

void Engine::set_policy(std::shared_ptr<const policy::Policy> policy) {
    policy_ = std::move(policy);
    handle(core::PolicyChanged{});
}

void Engine::handle(core::Event event) {
    queue_.push_back(std::move(event));
    drain();
}

void Engine::handle_due() {
    for (int served = 0; served < due_batch_size; ++served) {
        const core::Session* next = state_.next_due();
        if (next == nullptr || next->due > clock_()) {
            break;
        }
        handle(core::TimerExpired{});
    }
    drain();
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
        handle(core::LogindSessionRemoved{std::move(id)});
    }
}

void Engine::drain() {
    if (draining_) {
        return; // an effect caused the event, and the outer call handles the event
    }
    draining_ = true;
    while (!queue_.empty()) {
        const core::Event event = std::move(queue_.front());
        queue_.pop_front();
        step(event);
    }
    draining_ = false;
    const core::Session* next = state_.next_due();
    handler_.arm(next == nullptr ? never : next->due);
}

void Engine::step(const core::Event& event) {
    const core::Decision decision = decide(*policy_, state_, event, clock_());
    for (const core::Record& record : decision.records) {
        std::visit(Overloaded{[this](const core::Put& put) { recorder_.put(put.session); },
                              [this](const core::Drop& drop) { recorder_.drop(drop.session); }},
                   record);
    }
    apply(state_, decision);
    for (const core::Answer& answer : decision.answers) {
        handler_.answer(answer, state_);
    }
    // Monitoring starts before the effects, because input that immediately follows a warning must be detected.
    for (const core::Record& record : decision.records) {
        if (const auto* put = std::get_if<core::Put>(&record)) {
            handler_.track(put->session);
        }
    }
    for (const core::Effect& effect : decision.effects) {
        carry_out(effect);
    }
    // Effects may signal leaders, so leaders are untracked only after all effects are carried out.
    for (const core::Record& record : decision.records) {
        if (const auto* drop = std::get_if<core::Drop>(&record)) {
            handler_.untrack(drop->session);
        }
    }
}

void Engine::carry_out(const core::Effect& effect) {
    std::visit(Overloaded{[this](const core::Notice& notice) { handler_.notify(notice); },
                          [this](const core::Terminate& what) { handler_.terminate(what); },
                          [this](const core::CheckLogout& what) { handler_.check_logout(what); },
                          [this](const core::Lock& what) { handler_.lock_screen(what.logind_id); },
                          [this](const core::KillAll& what) { handler_.kill_all(what.logind_id); },
                          [this](const core::SignalLeader& what) { handler_.signal_leader(what.session, what.signal); },
                          [this](const core::ProbeActivity& what) {
                              const core::Session* session = state_.find(what.session);
                              if (auto looked = session == nullptr ? std::nullopt : handler_.probe_activity(*session)) {
                                  queue_.emplace_back(*std::move(looked));
                              }
                          }},
               effect);
}

} // namespace sesslimit
