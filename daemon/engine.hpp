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

    /// Terminates a session of logind (effect Terminate in decision.hpp).
    virtual void terminate(const std::string& logind_id) = 0;

    /// Preserves the multiplexers of a session, and then terminates the session.
    virtual void preserve_and_terminate(const core::Session& session) = 0;

    /// Executes effect Lock. The following functions execute the effects of the same names.
    virtual void lock_screen(const std::string& logind_id) = 0;
    virtual void kill_all(const std::string& logind_id) = 0;
    virtual void signal_leader(SessionKey key, int signal) = 0;

    /// Probes the activity of a session. Returns the result, or nothing if the result is delivered later as an event.
    /// The result does not contain a sample if the probe failed.
    virtual std::optional<core::ActivityProbed> probe_activity(const core::Session& session) = 0;

    /// Asks logind whether the session is closing. The answer is delivered later as event LogoutChecked.
    virtual void check_logout(const core::CheckLogout& what) = 0;

    /// Called for a new or changed session, before the answer to its request. Tracks its leader, and starts or stops
    /// monitoring its terminals for input.
    virtual void track(const core::Session& session) = 0;

    /// Called for a removed session. Untracks its leader and stops monitoring its terminals.
    virtual void untrack(SessionKey key) = 0;

    /// Sets the time at which event TimerExpired must be reported next. With `never`, the event is not necessary before
    /// another event.
    virtual void arm(BootTime deadline) = 0;
};

class Engine;

/// Queue of events for the engine. It is created before the engine, so that effect handlers and monitors can refer to
/// it. Events that arrive before the engine exists wait for the next event.
class EventQueue final : public core::EventSink {
  public:
    /// Has the engine handle the event. If the engine is handling another event, the new event waits until then.
    void handle(core::Event event) override;

  private:
    friend class Engine;
    std::deque<core::Event> events_;
    Engine* engine_ = nullptr;
};

/// Passes events to the core, one at a time and in order. The engine stores and applies the records of each decision,
/// sends the answers, and executes the effects. It owns the state and the policy in effect. It is used by one thread.
class Engine {
  public:
    /// Handles the events of `queue` from now on. `clock` is CLOCK_BOOTTIME, or the clock of a test. Lifetime: the
    /// referenced objects must outlive the engine.
    Engine(EventQueue& queue, Recorder& recorder, EffectHandler& handler, std::function<BootTime()> clock);
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    ~Engine() { queue_.engine_ = nullptr; }

    /// Puts a policy into effect for new logins and open sessions.
    void set_policy(std::shared_ptr<const policy::Policy> policy);

    /// Handles the sessions that logind no longer lists. `ids` is the complete current list.
    void reconcile(const std::vector<std::string>& ids);

    [[nodiscard]] const core::State& state() const { return state_; }
    [[nodiscard]] const policy::Policy& policy() const { return *policy_; }

  private:
    friend class EventQueue;
    void drain();
    void step(const core::Event& event);
    void carry_out(const core::Effect& effect);
    [[nodiscard]] BootTime next_due() const;

    EventQueue& queue_;
    Recorder& recorder_;
    EffectHandler& handler_;
    std::function<BootTime()> clock_;
    std::shared_ptr<const policy::Policy> policy_ = std::make_shared<policy::Policy>();
    core::State state_;
    bool draining_ = false;
};

} // namespace sesslimit
