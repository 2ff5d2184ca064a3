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

/// A host for the core to rule over: a policy, a state, a clock that the test moves, and terminals that stamp their
/// input as the kernel does. What the core decides is carried out on the state and written down as text.
namespace sesslimit::test {

using namespace std::chrono_literals;

/// When a world begins.
constexpr BootTime start{100'000s};

constexpr uid_t alice = 1001;
constexpr uid_t bob = 1002;

/// [defaults] of a policy's host tier; what is not given is not set.
struct Rules {
    std::optional<policy::Count> max = std::nullopt;
    std::optional<Duration> duration = std::nullopt;
    std::optional<Duration> idle = std::nullopt;
    std::optional<std::vector<Duration>> warn = std::nullopt;
    std::optional<policy::AtLimit> at_limit = std::nullopt;
    std::optional<policy::Mode> mode = std::nullopt;
    std::optional<policy::Activity> activity = std::nullopt;
};
policy::Policy policy_of(const Rules& rules);

Login ssh(uid_t uid = alice, std::string rhost = "192.0.2.7");
Login console(uid_t uid = alice, std::string service = "login");

/// A session as it would be in that phase: of alice, by ssh, with leader 500 and, but for waiting, reserved and denied
/// ones, logind's "c1".
core::Session session_in(core::Phase phase, SessionKey key = SessionKey{1});

std::string_view name_of(core::Phase phase);
std::string_view name_of(core::TerminationStage stage);
std::string_view name_of(core::Cause cause);
std::string_view name_of(core::Notice::Kind kind);
std::string_view name_of(core::Answer::Kind kind);

/// Answers and effects in few words, in their order: "admitted 9, tell admitted 1".
std::string carried_out(const core::Decision& decision);

/// The whole decision: records first ("put 1 live", "drop 2"), then what carried_out() says.
std::string told(const core::Decision& decision);

/// What is wrong about a state by itself; empty: nothing.
std::string wrong_with(const policy::Policy& policy, const core::State& state);

class World {
  public:
    explicit World(const Rules& rules = {}) : policy(policy_of(rules)) {}

    policy::Policy policy;
    core::State state;
    BootTime now = start;
    Duration wall_offset{1'700'000'000s};  ///< wall clock less boottime
    std::map<SessionKey, Duration> stamps; ///< the terminals' atimes; a session without one has no terminal
    std::map<SessionKey, core::ActivitySample> other_samples; ///< what else a look shows
    bool blind = false;                                       ///< a look shows nothing
    std::set<SessionKey> dark;                                ///< a look at one of these shows nothing
    bool mute = false;                                        ///< and comes to nothing at all: logind does not answer
    std::set<SessionKey> closing;                             ///< logind reports State=closing of these
    std::string log;   ///< "0 admitted 1, tell admitted 1; 5 signal 1 TERM": seconds from the start
    std::string fault; ///< the first thing that must never be; empty: all is well
    int looks = 0;     ///< how often terminals were looked at
    int wakeups = 0;   ///< how often the timer rang
    std::vector<core::Answer> answers;
    std::vector<core::Notice> notices;

    /// One event: decided, checked, applied, written down; terminals that are to be looked at are looked at.
    core::Decision feed(const core::Event& event);

    /// Time goes by; each deadline is served when it comes.
    void pass(Duration span);
    void pass_until(Duration since_start) { pass(start + since_start - now); }

    /// Time goes by in suspend: no deadline is served before the end of it.
    void suspend(Duration span);

    /// The wall clock is set forward; back, if negative. `heard`: the daemon is told.
    void set_clock(Duration by, bool heard = true);

    void set(const Rules& rules);

    /// pam_open_session by a new leader. The request's number is that of the leader.
    pid_t ask(const Login& login, Duration budget = 10s);
    /// The same, and logind shows the session. The key; none where it was not admitted.
    SessionKey login(const Login& login = ssh());
    /// The login process goes, by itself: closed, exited, and gone from logind.
    void logout(SessionKey key);

    void logind_shows(SessionKey key, bool graphical = false);
    void leader_exits(SessionKey key) { feed(core::LeaderExited{key}); }
    void logind_forgets(SessionKey key);

    /// A key is pressed on the session's terminal, which it has from now on.
    void type(SessionKey key);

    [[nodiscard]] const core::Session* find(SessionKey key) const { return state.find(key); }
    [[nodiscard]] std::string phase(SessionKey key) const;

    /// The log so far; it begins anew.
    std::string take_log();

  private:
    void note(const core::Decision& decision);
    void look(SessionKey key);

    pid_t last_pid_ = 500;
    int logind_sessions_ = 0;
};

/// Session keys as numbers.
inline SessionKey key(std::uint64_t number) {
    return SessionKey{number};
}

} // namespace sesslimit::test
