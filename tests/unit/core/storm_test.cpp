// SPDX-License-Identifier: MIT
// Runs random scripts of events against a simple reference model: a list of login processes and which of them are
// admitted.
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

#include <algorithm>
#include <array>
#include <random>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace sesslimit::core;

constexpr int scripts = 1000;
constexpr int steps = 60;

/// A login process.
struct Process {
    Leader leader;
    Login login;
    bool alive = true;
    std::string logind_id;               ///< logind's ID of its session; empty: logind has none
    SessionKey shown = SessionKey::none; ///< the session that logind shows
    SessionKey in = SessionKey::none;
    bool told_to_end = false;
};

/// State of a request.
struct Request {
    std::size_t process = 0;
    int answers = 0;
    int waits = 0;
    bool gone = false; ///< the client hung up, died or sent a new request
};

class Storm {
  public:
    explicit Storm(std::uint32_t seed) : random_(seed), world_(rules()) {}

    /// Runs the script. Returns the first error, or an empty text.
    std::string run() {
        for (int step = 0; step < steps && wrong_.empty(); ++step) {
            act();
        }
        calm_down();
        if (!world_.fault.empty()) {
            wrong(world_.fault);
        }
        return wrong_;
    }

  private:
    std::uint32_t any(std::uint32_t below) {
        return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(random_);
    }

    Rules rules() {
        constexpr std::array at_limits{policy::AtLimit::deny, policy::AtLimit::end_oldest, policy::AtLimit::end_idlest};
        max_ = any(4);
        return {.max = max_,
                .duration = any(2) == 0 ? std::optional<Duration>() : std::optional<Duration>(60s),
                .idle = any(2) == 0 ? std::optional<Duration>() : std::optional<Duration>(20s),
                .warn = any(2) == 0 ? std::optional<std::vector<Duration>>() : std::vector<Duration>{5s, 2s},
                .at_limit = at_limits[any(3)]};
    }

    Process* any_process() {
        return processes_.empty() ? nullptr : &processes_[any(static_cast<std::uint32_t>(processes_.size()))];
    }

    void act() {
        Process* process = any_process();
        switch (any(14)) {
        case 0:
        case 1:
        case 2:
            return start_one();
        case 3:
            return process != nullptr && process->alive ? ask(*process) : void();
        case 4:
        case 5:
            return process != nullptr ? logind_shows(*process) : void();
        case 6:
            return process != nullptr && process->alive ? close(*process) : void();
        case 7:
            return process != nullptr ? die(*process) : void();
        case 8:
            return process != nullptr ? logind_forgets(*process) : void();
        case 9:
            return hang_up();
        case 10:
            return process != nullptr && process->in != SessionKey::none
                       ? feed(TerminationRequested{process->in, "root"})
                       : void();
        case 11:
            if (process != nullptr && process->in != SessionKey::none) {
                world_.type(process->in);
            }
            return pass(std::chrono::milliseconds(any(3000)));
        case 12:
            return pass(std::chrono::seconds(any(30)));
        default:
            if (any(4) == 0) {
                world_.wall_offset += std::chrono::seconds(any(7200)) - 1h;
                feed(ClockChanged{});
            }
            if (any(4) == 0) {
                world_.policy = policy_of(rules());
                feed(PolicyChanged{});
            }
        }
    }

    void start_one() {
        const auto pid = static_cast<pid_t>(1000 + processes_.size());
        const uid_t uid = any(3) == 0 ? bob : alice;
        processes_.push_back({.leader = {pid, 7}, .login = any(2) == 0 ? ssh(uid) : console(uid), .logind_id = {}});
        ask(processes_.back());
    }

    void ask(Process& process) {
        const std::size_t which = static_cast<std::size_t>(&process - processes_.data());
        for (auto& [id, request] : requests_) {
            request.gone = request.gone || request.process == which; // one request at a time
        }
        const std::uint64_t id = ++last_request_;
        requests_[id] = {.process = which};
        feed(OpenRequested{RequestId{id}, process.login, process.leader, std::chrono::milliseconds(any(8000))});
    }

    void logind_shows(Process& process) {
        if (process.logind_id.empty() && process.alive && process.in != SessionKey::none) {
            process.shown = process.in;
            process.logind_id = "c" + std::to_string(++last_logind_);
            feed(LogindSessionNew{{.id = process.logind_id,
                                   .scope = "session-" + process.logind_id + ".scope",
                                   .session_class = "user",
                                   .closing = false,
                                   .leader = process.leader,
                                   .opened = world_.now,
                                   .login = process.login}});
        }
    }

    void close(Process& process) {
        const Session* session = process.in == SessionKey::none ? nullptr : world_.find(process.in);
        const bool was_ending = session != nullptr && session->phase == Phase::ending;
        const std::uint64_t id = ++last_request_;
        requests_[id] = {.process = static_cast<std::size_t>(&process - processes_.data())};
        leaving_ = was_ending ? SessionKey::none : process.in;
        feed(CloseRequested{RequestId{id}, any(2) == 0 ? process.in : SessionKey::none, process.leader});
    }

    void die(Process& process) {
        if (std::exchange(process.alive, false)) {
            for (auto& [id, request] : requests_) {
                request.gone = request.gone || &processes_[request.process] == &process;
            }
            for (const auto& [key, session] : State::Sessions(world_.state.sessions())) {
                if (session.leader == process.leader) {
                    leaving_ = process.logind_id.empty() || process.shown != key ? key : SessionKey::none;
                    feed(LeaderExited{key});
                }
            }
        }
    }

    void logind_forgets(Process& process) {
        if (!process.logind_id.empty()) {
            leaving_ = process.shown;
            feed(LogindSessionRemoved{std::exchange(process.logind_id, {})});
        }
    }

    void hang_up() {
        for (auto& [id, request] : requests_) {
            if (request.answers == 0 && !request.gone) {
                request.gone = true;
                return feed(RequestAborted{RequestId{id}});
            }
        }
    }

    void pass(Duration span) {
        world_.pass(span);
        check();
    }

    void feed(const Event& event) {
        world_.feed(event);
        check();
    }

    /// Applies the core's new notices and answers to the model, and compares both.
    void check() {
        for (Process& process : processes_) {
            if (process.in != SessionKey::none && process.in == leaving_) {
                process.in = SessionKey::none; // its slot is free before it can be assigned again
            }
        }
        leaving_ = SessionKey::none;
        for (; told_ < world_.notices.size(); ++told_) {
            hear(world_.notices[told_]);
        }
        for (; answered_ < world_.answers.size(); ++answered_) {
            hear(world_.answers[answered_]);
        }
        for (const uid_t uid : {alice, bob}) {
            if (world_.state.counted(uid) != in(uid)) {
                wrong("the core counts " + std::to_string(world_.state.counted(uid)) + ", there are " +
                      std::to_string(in(uid)));
            }
        }
    }

    void hear(const Notice& notice) {
        const auto key = notice.session.key;
        if (notice.kind == Notice::Kind::ended || notice.kind == Notice::Kind::released) {
            if (++farewells_[key] != 1) {
                wrong("two final notices");
            }
            for (Process& process : processes_) {
                process.in = process.in == key ? SessionKey::none : process.in;
            }
        }
        if (notice.kind == Notice::Kind::ended &&
            (notice.reason.cause == Cause::none || notice.reason != reasons_[key])) {
            wrong("ended for another reason");
        }
        if (notice.kind == Notice::Kind::ending) {
            if (reasons_.contains(key)) {
                wrong("two reasons");
            }
            reasons_[key] = notice.reason;
        }
    }

    void hear(const Answer& answer) {
        Request& request = requests_[static_cast<std::uint64_t>(answer.request)];
        if (answer.kind == Answer::Kind::wait) {
            if (++request.waits != 1 || request.answers != 0 || request.gone) {
                wrong("unexpected wait answer");
            }
            return;
        }
        if (++request.answers != 1) {
            wrong("two answers");
        }
        if (request.gone) {
            wrong("an answer to an aborted request");
        }
        Process& process = processes_[request.process];
        if (answer.kind == Answer::Kind::admitted && process.in == SessionKey::none) {
            if (in(process.login.uid) >= max_) {
                wrong("admitted beyond the limit");
            }
            process.in = answer.session.key;
        } else if (answer.kind == Answer::Kind::denied && process.in == SessionKey::none &&
                   in(process.login.uid) < max_) {
            wrong("denied with free slots");
        }
    }

    [[nodiscard]] std::size_t in(uid_t uid) const {
        std::size_t count = 0;
        for (const Process& process : processes_) {
            count += process.login.uid == uid && process.in != SessionKey::none ? 1U : 0U;
        }
        return count;
    }

    void wrong(const std::string& what) {
        if (wrong_.empty()) {
            const std::string& log = world_.log;
            wrong_ = what + "; log: ..." + log.substr(log.size() - std::min<std::size_t>(log.size(), 500));
        }
    }

    /// Makes all processes exit and lets time pass. Then no session may remain, and no request may be unanswered.
    void calm_down() {
        for (Process& process : processes_) {
            if (any(2) == 0) {
                die(process);
                logind_forgets(process);
            } else {
                logind_forgets(process);
                die(process);
            }
        }
        pass(1min);
        if (!world_.state.sessions().empty()) {
            wrong("a session without a process remains");
        }
        for (const auto& [id, request] : requests_) {
            if (request.answers == 0 && !request.gone) {
                wrong("no answer");
            }
        }
    }

    std::mt19937 random_;
    policy::Count max_ = 0;
    World world_;
    std::vector<Process> processes_;
    std::map<std::uint64_t, Request> requests_;
    std::map<SessionKey, int> farewells_;
    std::map<SessionKey, Reason> reasons_;
    SessionKey leaving_ = SessionKey::none; ///< session whose slot this event frees
    std::uint64_t last_request_ = 0;
    int last_logind_ = 0;
    std::size_t told_ = 0;
    std::size_t answered_ = 0;
    std::string wrong_;
};

void random_event_scripts_match_model() {
    for (std::uint32_t seed = 0; seed < scripts; ++seed) {
        const std::string wrong = Storm(seed).run();
        EXPECT_TEXT("seed " + std::to_string(seed) + ": " + wrong, "seed " + std::to_string(seed) + ": ");
    }
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(random_event_scripts_match_model),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
