// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/decide.hpp"
#include "daemon/core/state.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// Simulates a host for the core: a policy, a state, a clock that the test advances, and terminals that stamp input as
/// the kernel does. Each decision is applied to the state and appended to `log` as text.
namespace sesslimit::test {

using namespace std::chrono_literals;

/// Time at which each world starts.
constexpr BootTime start{100'000s};

constexpr uid_t alice = 1001;
constexpr uid_t bob = 1002;

/// [defaults] of a policy's host tier. A field without a value is not set.
struct Rules {
    std::optional<policy::Count> max = std::nullopt;
    std::optional<Duration> duration = std::nullopt;
    std::optional<Duration> idle = std::nullopt;
    std::optional<std::vector<Duration>> warn = std::nullopt;
    std::optional<policy::AtLimit> at_limit = std::nullopt;
    std::optional<Duration> displace_idle = std::nullopt;
    std::optional<policy::Mode> mode = std::nullopt;
    std::optional<policy::Activity> activity = std::nullopt;
    std::optional<policy::CountLeftBehind> count_left_behind = std::nullopt;
    std::optional<policy::LimitLeftBehind> limit_left_behind = std::nullopt;
    std::optional<policy::Count> fleet = std::nullopt;
    std::optional<policy::OnFleetError> on_fleet_error = std::nullopt;
};

/// Returns a policy whose host tier has `rules` as its [defaults].
policy::Policy policy_of(const Rules& rules);

/// Returns the same policy with an additional rule "ssh", which limits all ssh sessions together to `most`.
policy::Policy with_total(const Rules& rules, policy::Count most, std::string name = "ssh");

/// Returns a login through sshd, of alice or bob.
Login ssh(uid_t uid = alice, std::string rhost = "192.0.2.7");
/// Returns a login on tty1, of alice or bob.
Login console(uid_t uid = alice, std::string service = "login");

/// Returns logind's session "c9" of alice on tty1, opened this long before `start`.
core::LogindSession seen(Duration age = 10s);

/// Returns a session of alice over ssh in `phase`, with leader 500. It has logind's ID "c1", except in the phases
/// waiting, asking and denied.
core::Session session_in(core::Phase phase, SessionKey key = SessionKey{1});

/// Returns the name of a value in World::log and told(). Time spans are seconds with up to three decimals, such as
/// "12" and "12.5".
std::string in_seconds(Duration span);
std::string number(SessionKey key);
std::string_view name_of(core::Phase phase);
std::string_view name_of(core::TerminationStage stage);
std::string_view name_of(core::Cause cause);
std::string_view name_of(core::Notice::Kind kind);
std::string_view name_of(core::Answer::Kind kind);

/// Formats the answers and effects of a decision in their order, in the notation of World::log without times. Example:
/// "admitted 9, tell admitted 1". Unlike World::log it includes activity probes, as "look 1".
std::string carried_out(const core::Decision& decision);

/// Formats the whole decision: first the records, "put 1 live", "put 1 ending/told" (phase and stage) or "drop 2", then
/// the same text as carried_out().
std::string told(const core::Decision& decision);

/// Checks the invariants of a state. Returns a description of the violation, or an empty text if the state is valid.
std::string wrong_with(const policy::Policy& policy, const core::State& state);

class World {
  public:
    explicit World(const Rules& rules = {}) : policy(policy_of(rules)) {}

    policy::Policy policy;
    core::State state;
    BootTime now = start;
    Duration wall_offset{1'700'000'000s};                     ///< wall clock minus boottime
    std::map<SessionKey, Duration> stamps;                    ///< atime of each terminal; no entry: no terminal
    std::map<SessionKey, core::ActivitySample> other_samples; ///< further results of an activity probe
    bool blind = false;                                       ///< no activity probe finds anything out
    std::map<SessionKey, Duration> unacknowledged;            ///< of the sessions' connections; absent: 0
    std::vector<SessionKey> reports;                          ///< sessions that were told about a denied login
    std::set<SessionKey> claims;                              ///< sessions that the fleet knows
    std::vector<SessionKey> offers;                           ///< sessions that get the reason of an earlier end
    std::set<SessionKey> dark;                                ///< probes of these sessions find nothing out
    bool mute = false;            ///< no reply to probes and logout checks: logind does not answer
    std::set<SessionKey> closing; ///< sessions that logind reports with State=closing
    /// Decisions so far, one entry for each decision that has answers or effects other than activity probes.
    ///
    /// Grammar:
    /// @code
    /// log     = [ entry *( "; " entry ) ]
    /// entry   = seconds " " part *( ", " part )     first the answers, then the effects, in the decision's order
    /// seconds = time since `start`, with up to three decimals: "100", "100.5"
    /// part    = kind " " request                    answer: name_of(Answer::Kind) and the request ID
    ///         / "tell " kind " " key [ " " cause ]  notice: name_of(Notice::Kind); cause: name_of(Cause) unless none
    ///           [ " left " seconds ]                the remaining time, in a warning only
    ///         / "signal " key " " ( "TERM" / "KILL" ) [ " with children" ]   signal to the session's leader
    ///         / "report missing logind " key        journal entry
    ///         / "terminate " id [ " keeping" { " " program } ]  request to logind; programs that are preserved
    ///         / "kill " id                          SIGKILL to all processes of the session, through logind
    ///         / "stop " id [ " keeping" { " " program } ]  SIGTERM to all processes of a session that is closing
    ///         / ( "stop " / "kill " ) scope         SIGTERM or SIGKILL to all processes in a scope
    ///         / "lock " id                          screen lock, through logind
    ///         / ( "claim " / "record in fleet " / "list in fleet " / "release claim of " ) key
    ///         / "end " count " for order " order    answer to an order of the fleet
    ///         / "check logout " id                  question to logind about a logout
    /// key     = session key as a decimal number
    /// id      = logind's session ID: "c1"
    /// @endcode
    /// Example: "0 admitted 501, tell admitted 1; 5 signal 1 TERM".
    std::string log;
    std::string fault;                 ///< description of the first violated invariant; empty if none was violated
    int looks = 0;                     ///< number of activity probes
    int wakeups = 0;                   ///< number of timer expirations
    std::vector<core::Answer> answers; ///< all answers so far
    std::vector<core::Notice> notices; ///< all notices so far

    /// Processes one event: decides, checks the invariants, applies the decision and logs it. Then runs the activity
    /// probes and logout checks that the decision requested.
    core::Decision feed(const core::Event& event);

    /// Advances the clock by `span` and processes each deadline when it is reached.
    void pass(Duration span);
    /// Does the same up to a time since `start`.
    void pass_until(Duration since_start) { pass(start + since_start - now); }

    /// Advances the clock by `span` as a suspend does: no deadline is processed before its end.
    void suspend(Duration span);

    /// Sets the wall clock forward, or back if `by` is negative. The daemon is notified only if `heard`.
    void set_clock(Duration by, bool heard = true);

    /// Reports a state of the fleet.
    void fleet_is(core::FleetState now_is) { feed(core::FleetStateChanged{now_is}); }
    /// Answers the claim of a session.
    void answer_claim(SessionKey session, core::ClaimAnswered::Outcome outcome) {
        feed(core::ClaimAnswered{.session = session, .outcome = outcome});
    }

    /// Opens a session whose claim is granted, and which has a terminal. Clears the log.
    SessionKey login_granted(const Login& login = ssh());

    /// Replaces the policy by one with these [defaults] and sends PolicyChanged.
    void set(const Rules& rules);

    /// Sends the request of pam_open_session from a new leader. Returns the leader's PID, which is also the request ID.
    pid_t ask(const Login& login, Duration budget = 10s);
    /// Calls ask() and makes logind show the session. Returns its key, or SessionKey::none if the login was not
    /// admitted.
    SessionKey login(const Login& login = ssh());
    /// Logs the session out in the regular order: PAM closes it, its leader exits, logind forgets it.
    void logout(SessionKey key);

    /// Reports a new logind session of class "user" for the session's leader, with the next ID: "c1", "c2".
    void logind_shows(SessionKey key, bool graphical = false);
    /// Reports the exit of the session's leader.
    void leader_exits(SessionKey key) { feed(core::LeaderExited{key}); }
    /// Reports that logind has removed the session.
    void logind_forgets(SessionKey key);

    /// Presses a key on the session's terminal. The session has a terminal from then on.
    void type(SessionKey key);

    /// Returns the session, or a null pointer if the state does not contain it.
    [[nodiscard]] const core::Session* find(SessionKey key) const { return state.find(key); }
    /// Returns the name of the session's phase, or "gone" if the state does not contain it.
    [[nodiscard]] std::string phase(SessionKey key) const;

    /// Returns the log so far and clears it.
    std::string take_log();

  private:
    void note(const core::Decision& decision);
    void check_claims(const core::Decision& decision);
    void look(SessionKey key);

    pid_t last_pid_ = 500;
    int logind_sessions_ = 0;
};

/// Returns the session key with this number.
inline SessionKey key(std::uint64_t number) {
    return SessionKey{number};
}

/// Returns a world with three logins at 0 s, 10 s and 20 s. A key was pressed in the first at 50 s and in the second at
/// 60 s. The clock is at 70 s, when tests let a fourth login ask.
World full_house(policy::AtLimit at_limit);

} // namespace sesslimit::test
