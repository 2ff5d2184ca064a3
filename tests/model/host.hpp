// SPDX-License-Identifier: MIT
#pragma once

#include "tests/model/plan.hpp"
#include "tests/model/script.hpp"
#include "tests/unit/support/core_world.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

/// A host on which a script happens, with the core to rule over it, and a book kept beside: which processes there are,
/// who of them was let in, and who of those has left. The book is the model. It knows nothing of phases, stages and
/// deadlines; all that the core says is held against it.
namespace sesslimit::model {

using namespace core;

/// One login process, and the session that it has or had last.
struct Process {
    Leader leader;
    Login login;
    bool alive = true;
    std::string logind_id; ///< of the session that logind has of it; empty: none
    SessionKey key = SessionKey::none;
    bool in = false;        ///< it was let in, or adopted, and has not left
    bool shown = false;     ///< logind has had this session
    bool dismissed = false; ///< PAM has closed it, or it is none that counts
    bool told = false;      ///< that it ends
    bool left = false;      ///< it was said farewell to
    bool asked = false;     ///< somebody wants it ended
    bool typed = false;     ///< it has a terminal
    bool adopted = false;   ///< PAM never asked about it
    bool spared = false;    ///< its leader has exited, and at some time since then no limit applied to it
    Reason reason;
    BootTime opened{};
    BootTime used{};
    BootTime fair{}; ///< no limit that took it by surprise may end it before this

    [[nodiscard]] bool has_left() const {
        return dismissed || (shown && logind_id.empty()) || (!alive && logind_id.empty());
    }
};

struct Request {
    std::size_t process = 0;
    BootTime since{}; ///< when its process first asked
    int answers = 0;
    int waits = 0;
    bool gone = false; ///< its asker hung up, died, or asked anew
};

/// What came of a script.
struct Outcome {
    std::string wrong; ///< empty: nothing
    std::size_t events = 0;
    std::string log; ///< all that the core had done
};

class Host {
  public:
    Host();

    /// One script from beginning to end, which is when everybody has left.
    static Outcome run(const Script& script);

  private:
    // host.cpp: what happens
    void act(const Step& step);
    void open(const Step& step);
    void ask(std::size_t which, const Step& step);
    void show(Process& process, const std::string& session_class);
    void close(Process& process, const Step& step);
    void die(Process& process);
    void forget(Process& process);
    void hang_up(const Step& step);
    void look(Process& process, const Step& step);
    void learn_groups(Process& process, const Step& step);
    void adopt(const Step& step);
    void change(const Step& step);
    void restart(const Step& step);
    void restore(const std::vector<Session>& recorded, bool backwards);
    void pass(Duration span);
    void feed(const Event& event);
    void all_leave();

    // book.cpp: what is held against it
    void check();
    void check_counts();
    void check_time();
    void hear(const Notice& notice);
    void hear_ending(Process& process, const Notice& notice);
    void hear_farewell(Process& process, const Notice& notice);
    void hear(const Answer& answer);
    void let_in(Process& process, const Answer& answer);
    void turned_away(Process& process, const Answer& answer);
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

    Plan plan_;
    test::World world_;
    std::vector<Process> processes_;
    std::map<std::uint64_t, Request> requests_;
    std::set<SessionKey> would_deny_; ///< let in beyond a limit: to be told of
    SessionKey last_key_ = SessionKey::none;
    std::uint64_t last_request_ = 0;
    int last_logind_ = 0;
    std::size_t noticed_ = 0;
    std::size_t answered_ = 0;
    std::size_t fed_ = 0;
    bool down_ = false; ///< the daemon is not up, or not up to date yet: nothing is checked
    std::string wrong_;
};

} // namespace sesslimit::model
