// SPDX-License-Identifier: MIT
#pragma once

#include "tests/model/plan.hpp"
#include "tests/model/script.hpp"
#include "tests/unit/support/core_world.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

/// Runs a script on a simulated host with the core, and keeps a model of it: which processes exist, which were
/// admitted, and which of those have left. The model knows nothing of phases, stages and deadlines. All answers and
/// notices of the core are compared with it.
namespace sesslimit::model {

using namespace core;

/// A login process and its current or last session.
struct Process {
    Leader leader;
    Login login;
    bool alive = true;
    std::string logind_id; ///< logind's ID of its session; empty: logind has none
    bool is_greeter = false;
    SessionKey key = SessionKey::none;
    bool in = false;        ///< admitted or adopted, and has not left
    bool shown = false;     ///< logind has shown this session
    bool dismissed = false; ///< PAM has closed it, or it does not count
    bool behind = false;    ///< it was logged out, and logind still has it
    bool told = false;      ///< an ending notice was sent
    bool left = false;      ///< the final notice was sent
    bool asked = false;     ///< its termination was requested
    bool typed = false;     ///< it has a terminal
    bool adopted = false;   ///< PAM never asked about it
    bool spared = false;    ///< its leader has exited, and since then no limit applied at some time
    Reason reason;
    BootTime opened{};
    BootTime used{};
    BootTime perhaps_used{}; ///< the last time at which the core may assume use because the clock was set
    bool undated = false;    ///< the clock may have been set before the first probe
    BootTime dead_until{};   ///< the last time at which its client was dead, except now
    BootTime fair{};         ///< grace period: no newly imposed limit may terminate it earlier

    [[nodiscard]] bool has_left() const {
        return dismissed || (shown && logind_id.empty()) || (!alive && logind_id.empty());
    }
};

struct Request {
    std::size_t process = 0;
    BootTime since{}; ///< time of the process's first request
    int answers = 0;
    int waits = 0;
    bool gone = false; ///< the client hung up, died or sent a new request
};

/// Result of a script.
struct Outcome {
    std::string wrong; ///< first error; empty: none
    std::size_t events = 0;
    std::string log; ///< everything that the core did
};

class Host {
  public:
    Host();

    /// Runs a script to its end, after which all processes exit.
    static Outcome run(const Script& script);

  private:
    // host.cpp: events
    void act(const Step& step);
    void open(const Step& step);
    void ask(std::size_t which, const Step& step);
    void show(Process& process, const std::string& session_class);
    void close(Process& process, const Step& step);
    void die(Process& process);
    void forget(Process& process);
    void hang_up(const Step& step);
    void look(Process& process, const Step& step);
    void send(Process& process);
    void learn_groups(Process& process, const Step& step);
    void adopt(const Step& step);
    void change(const Step& step);
    void change_fleet(const Step& step);
    void answer_claim(const Step& step);
    [[nodiscard]] bool is_unprobed(const Process& process) const;
    void use_unprobed();
    void set_clock(Duration by);
    void restart(const Step& step);
    void restore(const std::vector<Session>& recorded, bool backwards);
    void pass(Duration span);
    void feed(const Event& event);
    void all_leave();

    // book.cpp: comparison with the model
    void check();
    void check_counts();
    void check_time();
    void hear(const Notice& notice);
    void hear_denied(const Notice& notice);
    void hear_ending(Process& process, const Notice& notice);
    void check_displacement(const Process& process);
    void check_displacement_rate(uid_t uid, const std::string& origin);
    void hear_farewell(Process& process, const Notice& notice);
    void hear(const Answer& answer);
    void let_in(Process& process, const Answer& answer);
    void turned_away(Process& process, const Answer& answer);
    void check_claims();
    void check_fleet(const Process& process, const Answer& answer);
    void check_fleet_denial(const Process& process, const Notice& notice);
    [[nodiscard]] bool asks(const Process& process) const;
    [[nodiscard]] bool is_fleet_limited(const Login& login) const;
    [[nodiscard]] std::uint32_t inside_fleet(const Process& process) const;
    [[nodiscard]] std::uint32_t granted(uid_t uid) const;
    [[nodiscard]] bool occupies(const Process& process) const;
    [[nodiscard]] bool is_full(const Process& process) const;
    [[nodiscard]] std::uint32_t others(const Process& process) const;
    [[nodiscard]] std::uint32_t inside(uid_t uid) const;
    [[nodiscard]] std::uint32_t inside(SharedLimit total) const;
    [[nodiscard]] Phase phase_of(const Process& process) const;
    Process* of(SessionKey key);
    void spare_unlimited();
    void surprise();
    void surprise(Process& process, BootTime when) const;
    void wrong(const std::string& what);

    struct Displacement {
        BootTime at;
        uid_t uid;
        std::string origin;
    };

    /// What the fleet has said about a claim.
    struct Verdict {
        BootTime asked{};
        bool has_slot = false; ///< the login has occupied a session slot of this host since it asked
        bool is_granted = false;
        bool is_full = false;
        bool is_unknown = false;
        bool is_beyond = false; ///< the session was recorded beyond the limit
    };

    Plan plan_;
    std::map<SessionKey, Verdict> verdicts_;
    std::set<SessionKey> displaced_; ///< sessions whose displacement was checked
    BootTime fleet_down_until_{};    ///< the last time at which the fleet was down, except now
    std::vector<Displacement> displacements_;
    BootTime planned_{};    ///< when the plan was made
    BootTime down_since_{}; ///< begin of the last restart of the daemon
    BootTime up_since_{};   ///< end of that restart
    test::World world_;
    std::vector<Process> processes_;
    std::map<std::uint64_t, Request> requests_;
    std::set<SessionKey> would_deny_; ///< admitted beyond a limit: a notice is expected
    SessionKey last_key_ = SessionKey::none;
    std::uint64_t last_request_ = 0;
    int last_logind_ = 0;
    std::size_t noticed_ = 0;
    std::size_t answered_ = 0;
    std::size_t fed_ = 0;
    bool down_ = false; ///< the daemon is down or not up to date: nothing is checked
    std::string wrong_;
};

} // namespace sesslimit::model
