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

/// Interface to store records. The engine calls it before it answers a request. LedgerRecorder implements it.
class Recorder {
  public:
    virtual ~Recorder() = default;

    /// Adds or replaces the record of a session.
    virtual void put(const core::Session& session) = 0;

    /// Deletes the record of a session.
    virtual void drop(SessionKey key) = 0;
};

/// Effect handler: executes the effects of a decision. Implementations must not block. Results that take time are
/// delivered later as events.
class EffectHandler {
  public:
    virtual ~EffectHandler() = default;

    /// Sends an answer. The decision has already been applied to `state`.
    virtual void answer(const core::Answer& answer, const core::State& state) = 0;

    /// Writes a notice to the journal, to D-Bus and to the terminals of the session.
    virtual void notify(const core::Notice& notice) = 0;

    /// Executes effect Terminate (decision.hpp). The following functions execute the effects of the same names.
    virtual void terminate(const core::Terminate& what) = 0;
    virtual void lock_screen(const std::string& logind_id) = 0;
    virtual void kill_all(const std::string& logind_id) = 0;
    virtual void signal_leader(SessionKey key, int signal) = 0;

    /// Probes the activity of a session. Returns the result, or nothing if the result is delivered later as an event.
    /// The result does not contain a sample if the probe failed.
    virtual std::optional<core::ActivityProbed> probe_activity(const core::Session& session) = 0;

    /// Asks logind whether the session is closing. The answer is delivered later as event LogoutChecked.
    virtual void check_logout(const core::CheckLogout& what) = 0;

    /// Called for a new or changed session. Tracks its leader, and starts or stops monitoring its terminals for input.
    virtual void track(const core::Session& session) = 0;

    /// Called for a removed session. Untracks its leader and stops monitoring its terminals.
    virtual void untrack(SessionKey key) = 0;

    /// Sets the time at which handle_due() must be called next. With `never`, no call is necessary before another
    /// event.
    virtual void arm(BootTime deadline) = 0;
};

/// Passes events to the core, one at a time and in order. The engine stores and applies the records of each decision,
/// sends the answers, and executes the effects. It owns the state and the policy in effect. It is used by one thread.
/// Events that an effect causes immediately are queued.
class Engine {
  public:
    /// Lifetime: the referenced objects must outlive the engine. `clock` is CLOCK_BOOTTIME, or the clock of a test.
    Engine(Recorder& recorder, EffectHandler& handler, std::function<BootTime()> clock);

    /// Puts a policy into effect for new logins and open sessions.
    void set_policy(std::shared_ptr<const policy::Policy> policy);

    /// Handles an event. Queues the event if another event is being handled.
    void handle(core::Event event);

    /// Handles sessions whose deadline has been reached. The number per call is bounded, so that logins are not
    /// delayed.
    void handle_due();

    /// Handles the sessions that logind no longer lists. `ids` is the complete current list.
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
