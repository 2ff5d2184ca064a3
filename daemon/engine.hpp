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

/// Interface through which the engine stores the records of sessions. The engine stores the records of a decision
/// before it answers the login request. LedgerRecorder, which writes to the ledger file, implements the interface.
class Recorder {
  public:
    virtual ~Recorder() = default;

    /// Adds or replaces the record of a session.
    virtual void put(const core::Session& session) = 0;

    /// Deletes the record of a session.
    virtual void drop(SessionKey key) = 0;

    /// Checks that the records can be found after a restart. The engine calls this function after it has answered the
    /// login requests of a decision with records, so that no login waits for the check.
    virtual void check() = 0;
};

/// Interface through which the engine sends the answers and executes the effects of a decision of the core.
/// Implementations must not block. If the result of an effect is not available immediately, it is reported later as an
/// event.
class EffectHandler {
  public:
    virtual ~EffectHandler() = default;

    /// Sends the answer to a request of the PAM module. `state` is the state of all sessions after the decision.
    virtual void answer(const core::Answer& answer, const core::State& state) = 0;

    /// Writes a notice, which is a message about a session, to the journal, to D-Bus and to the terminals of the
    /// session.
    virtual void notify(const core::Notice& notice) = 0;

    /// Terminates a session that logind has (effect Terminate in decision.hpp).
    virtual void terminate(const core::Session& session) = 0;

    /// Moves the programs with the names `keep` from a session to a separate scope, and then terminates the session.
    virtual void preserve_and_terminate(const core::Session& session, const std::vector<std::string>& keep) = 0;

    /// Shows the reason of an earlier termination or denial to the user of a session (effect OfferMissedReason).
    virtual void offer_missed_reason(const core::Session& session) = 0;

    /// Locks the screen of a logind session (effect Lock).
    virtual void lock_screen(const std::string& logind_id) = 0;
    /// Sends a signal to all processes in a scope (effect KillScope).
    virtual void kill_scope(const std::string& scope, int signal) = 0;
    /// Sends SIGKILL to all processes of a logind session (effect KillAll).
    virtual void kill_all(const std::string& logind_id) = 0;
    /// Sends a signal to the leader of a session, which is the process that opened the session, and possibly to the
    /// leader's descendants (effect SignalLeader).
    virtual void signal_leader(const core::SignalLeader& what) = 0;

    /// Inspects a session to determine when it was last used. Returns the result, or nullopt if the result is reported
    /// later as an event. A result without an activity sample means that the inspection failed.
    virtual std::optional<core::ActivityProbed> probe_activity(const core::Session& session) = 0;

    /// Samples the connections of a session that is not graphical, and reports the result as an event TrafficSampled.
    virtual void sample_traffic(const core::Session& session) = 0;

    /// Returns the time for which the client of an ssh session has not acknowledged data, or 0 if it is not known.
    virtual Duration unacknowledged(const core::Session& session) = 0;

    /// Writes to the terminals of a session that a login of its user was denied (effect ReportDenial).
    virtual void report_denial(const core::ReportDenial& what) = 0;

    /// Writes to the journal that logind has no session of a login (effect ReportMissingLogind).
    virtual void report_missing_logind(const core::Session& session) = 0;

    /// Asks logind whether the session was logged out, which is the case if its state is "closing". The answer is
    /// reported later as the event LogoutChecked.
    virtual void check_logout(const core::CheckLogout& what) = 0;

    /// Claims a slot of the fleet for a session (effect ClaimFleetSlot).
    virtual void claim_fleet_slot(const core::Session& session, bool enforced) = 0;
    /// Reports to the fleet that a session exists (effect ListInFleet).
    virtual void list_in_fleet(const core::Session& session) = 0;
    /// Releases the slot of a session in the fleet (effect ReleaseFleetSlot). The session may not exist any longer.
    virtual void release_fleet_slot(SessionKey key) = 0;
    /// Answers an order to terminate sessions (effect ReportFleetTermination).
    virtual void report_fleet_termination(const core::ReportFleetTermination& what) = 0;

    /// Tracks the leader process of a new or changed session, and starts or stops monitoring the terminals of the
    /// session for input. Called before the answer to the login request is sent.
    virtual void track(const core::Session& session) = 0;

    /// Untracks the leader process of a removed session, and stops monitoring the terminals of the session.
    virtual void untrack(SessionKey key) = 0;

    /// Sets the time at which the handler must report the event TimerExpired. The handler may report it earlier, at a
    /// time that an earlier call has set. The engine calls this function last, after all answers and effects.
    virtual void arm(BootTime deadline) = 0;
};

class Engine;

/// Queue of events for the engine. The queue is created before the engine, so that effect handlers and monitors can be
/// constructed with a reference to the queue. Events that are added before the engine exists are handled when the first
/// event is added after the creation of the engine.
class EventQueue final : public core::EventSink {
  public:
    /// Adds the event to the queue, and lets the engine handle it. If the engine is handling another event, the new
    /// event is handled afterwards.
    void handle(core::Event event) override;

  private:
    friend class Engine;
    std::deque<core::Event> events_;
    /// Engine that handles the events. Null before the engine exists and after its destruction.
    Engine* engine_ = nullptr;
};

/// The engine runs the core, which is the pure function decide(). It passes events to the core one at a time and in
/// order. It stores and applies the records of each decision, sends the answers, and executes the effects. It owns the
/// state of all sessions and the policy in effect. It must be used by only one thread.
class Engine {
  public:
    /// Creates an engine that handles the events of `queue`. `clock` returns CLOCK_BOOTTIME, or the time of a test.
    /// Lifetime: the queue, the recorder and the handler must outlive the engine.
    Engine(EventQueue& queue, Recorder& recorder, EffectHandler& handler, std::function<BootTime()> clock);
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    ~Engine() { queue_.engine_ = nullptr; }

    /// Puts a policy into effect for new logins and for open sessions.
    void set_policy(std::shared_ptr<const policy::Policy> policy);

    /// Handles every known session whose logind ID is not in `ids` as a session that logind has removed. `ids` is the
    /// complete current list of the IDs of logind's sessions.
    void reconcile(const std::vector<std::string>& ids);

    /// Postpones all activity probes until start_probes() is called. The daemon does so while it starts, because a
    /// probe takes longer than the restoration of a session.
    void postpone_probes() { postpones_probes_ = true; }

    /// Executes the postponed activity probes. Later ones are executed immediately.
    void start_probes();

    [[nodiscard]] const core::State& state() const { return state_; }
    [[nodiscard]] const policy::Policy& policy() const { return *policy_; }

  private:
    friend class EventQueue;
    void drain();
    void step(const core::Event& event);
    void carry_out(const core::Effect& effect);
    void check_connections(const core::CheckConnections& what);
    void probe_activity(SessionKey key);
    [[nodiscard]] BootTime next_due() const;

    EventQueue& queue_;
    Recorder& recorder_;
    EffectHandler& handler_;
    std::function<BootTime()> clock_;
    std::shared_ptr<const policy::Policy> policy_ = std::make_shared<policy::Policy>();
    core::State state_;
    /// True while the engine is handling events.
    bool draining_ = false;
    bool postpones_probes_ = false;
    std::vector<SessionKey> postponed_probes_{};
};

} // namespace sesslimit
