// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "common/result.hpp"
#include "daemon/core/decide.hpp"
#include "daemon/policy/policy.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace sesslimit {

/// Where records go before anything is answered. One real one: the ledger.
class Recorder {
  public:
    virtual ~Recorder() = default;
    virtual void put(const core::Session& session) = 0;
    virtual void drop(SessionKey key) = 0;
};

/// What carries decisions out. None of these may block; what they find out comes back later as an event.
class EffectHandler {
  public:
    virtual ~EffectHandler() = default;

    /// `state` is as it is after the decision.
    virtual void answer(const core::Answer& answer, const core::State& state) = 0;

    virtual void notify(const core::Notice& notice) = 0;
    virtual void terminate(const core::Terminate& what) = 0;
    virtual void lock_screen(const std::string& logind_id) = 0;
    virtual void kill_all(const std::string& logind_id) = 0;
    virtual void signal_leader(SessionKey key, int signal) = 0;

    /// What shows at once, or that nobody could tell; nothing: it comes later, as an event.
    virtual std::optional<core::ActivityProbed> probe_activity(const core::Session& session) = 0;

    /// Asks logind whether the session is closing. The answer comes later, as event LogoutChecked.
    virtual void check_logout(const core::CheckLogout& what) = 0;

    /// A session is there, or has changed: hold its leader, and listen to its terminals or stop doing so.
    virtual void track(const core::Session& session) = 0;

    /// A session is forgotten: let go of its leader and terminals.
    virtual void untrack(SessionKey key) = 0;

    /// When handle_due() must next be called; `never`: not before another event.
    virtual void arm(BootTime deadline) = 0;
};

/// Runs events through the core, one at a time and in their order: decide, record, apply, answer, carry out.
/// Owns the state and the policy in force. One thread; what an effect brings about at once is queued.
class Engine {
  public:
    /// References live longer than the engine. `clock` is CLOCK_BOOTTIME, or a test's.
    Engine(Recorder& recorder, EffectHandler& handler, std::function<BootTime()> clock);

    /// From now on this policy holds, also for open sessions.
    void set_policy(std::shared_ptr<const policy::Policy> policy);

    void handle(core::Event event);

    /// Serves sessions whose deadline has come; a bounded number at once, so that logins are not kept waiting.
    void handle_due();

    /// What of logind's list is not in `ids` any more is gone.
    void reconcile(const std::vector<std::string>& ids);

    [[nodiscard]] const core::State& state() const { return state_; }
    [[nodiscard]] const policy::Policy& policy() const { return *policy_; }

  private:
    void drain();
    void step(const core::Event& event);
    void carry_out(const core::Effect& effect);

    Recorder& recorder_;
    EffectHandler& handler_;
    std::function<BootTime()> clock_;
    std::shared_ptr<const policy::Policy> policy_ = std::make_shared<policy::Policy>();
    core::State state_;
    std::deque<core::Event> queue_;
    bool draining_ = false;
};

} // namespace sesslimit
