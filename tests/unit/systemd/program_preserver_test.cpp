// SPDX-License-Identifier: MIT
#include "daemon/systemd/program_preserver.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/loop_bench.hpp"

#include <cerrno>
#include <limits>
#include <optional>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace std::chrono_literals;
using inspect::KeptPrograms;
using inspect::Process;

const Process server{75, 1, 75, 0, "tmux: server"};
const Process shell{76, 75, 76, 1, "bash"};
const Process late{110, 76, 76, 1, "sleep"};

/// Simulates systemd and logind: each call to them is appended to `log` in order, and the test supplies the replies.
struct World final : systemd::Scopes {
    EventLoop loop;
    std::string log;
    std::vector<KeptPrograms> sights;                  ///< results of the next inspections; the last one is repeated
    int left_to_see = std::numeric_limits<int>::max(); ///< inspections before one fails
    bool asked_for_both = true;
    Done answer;
    std::optional<Error> at_once; ///< error that start() and attach() report before they return
    ProgramPreserver sparing;

    explicit World(std::vector<KeptPrograms> looks, Duration within = 1h, EventLoop with = make_loop())
        : loop(std::move(with)), sights(std::move(looks)),
          sparing({.loop = loop.get(),
                   .scopes = *this,
                   .look =
                       [this](const auto&, const auto&, const auto& keep) {
                           asked_for_both = asked_for_both && keep == std::vector<std::string>{"tmux", "screen"};
                           return next_sight();
                       },
                   .terminate = [this](const auto& session) { log += "end " + session.logind_id + "; "; },
                   .told = [this](const auto& outcome) { tell(outcome); },
                   .within = within}) {}

    Result<KeptPrograms> next_sight() {
        if (left_to_see-- == 0) {
            return fail("no descriptors", EMFILE);
        }
        const KeptPrograms sight = sights.front();
        if (sights.size() > 1) {
            sights.erase(sights.begin());
        }
        return sight;
    }
    void note(const std::string& what, const std::string& scope, const std::vector<pid_t>& processes) {
        log += what + " " + scope;
        for (const pid_t pid : processes) {
            log += " " + std::to_string(pid);
        }
        log += "; ";
    }
    void start(const systemd::NewScope& scope, const std::vector<pid_t>& processes, Done done) override {
        note("start", scope.slice + "/" + scope.name, processes);
        take(std::move(done));
    }
    void attach(const std::string& scope, const std::vector<pid_t>& processes, Done done) override {
        note("attach", scope, processes);
        take(std::move(done));
    }
    void take(Done done) {
        if (at_once) {
            done(std::unexpected(*at_once));
        } else {
            answer = std::move(done);
        }
    }
    void kill(const std::string&, int) override {}
    void give_up(const std::string&) override {}
    void tell(const ProgramPreserver::Outcome& outcome) {
        log += "told " + std::to_string(outcome.moved) + (outcome.is_unclear ? " unseen" : "") +
               (outcome.problem ? " " + outcome.problem->what : "") + "; ";
    }
    void begin() {
        core::Session session;
        session.key = SessionKey{7};
        session.logind_id = "3";
        session.login.user = "alice";
        session.login.uid = 1001;
        sparing.begin(session, {"tmux", "screen"});
    }
    void reply(const Result<>& result = {}) const {
        const Done done = answer; // the callback may make further requests
        done(result);
    }
};

constexpr std::string_view started = "start user-1001.slice/sesslimit-kept-3-7.scope 75; ";

SESSLIMIT_TEST(session_without_kept_programs_terminated_immediately) {
    World world({KeptPrograms{}});
    world.begin();
    EXPECT_TEXT(world.log, "end 3; ");
}

/// Programs that an earlier daemon process has moved are reported, so that they get a record.
SESSLIMIT_TEST(programs_moved_before_restart_reported) {
    World world({{{}, {}, 2}});
    world.begin();
    EXPECT_TEXT(world.log, "end 3; told 2; ");
}

SESSLIMIT_TEST(session_terminated_after_last_process_moved) {
    World world({{{server}, {shell}, 0}, {{}, {shell}, 1}, {{}, {late}, 2}, {{}, {}, 3}});
    world.begin();
    EXPECT_TEXT(world.log, started);
    world.reply();
    world.reply();
    world.begin(); // requested again
    EXPECT_TEXT(world.log, std::string(started) + "attach sesslimit-kept-3-7.scope 76; "
                                                  "attach sesslimit-kept-3-7.scope 110; ");
    world.log.clear();
    world.reply();
    EXPECT_TEXT(world.log, "end 3; told 3; ");
    world.log.clear();
    world.reply(fail("too late"));
    EXPECT_TEXT(world.log, "");
    EXPECT(world.asked_for_both, "each inspection searches the same programs");
}

SESSLIMIT_TEST(session_terminated_when_move_fails) {
    World world({{{server}, {shell}, 0}});
    world.begin();
    world.reply(fail("not allowed", EACCES));
    EXPECT_TEXT(world.log, std::string(started) + "end 3; told 0 not allowed; ");
}

SESSLIMIT_TEST(session_terminated_when_move_fails_partly) {
    World world({{{server}, {shell}, 0}, {{}, {shell}, 1}});
    world.begin();
    world.reply();
    world.reply(fail("no memory", ENOMEM));
    EXPECT_TEXT(world.log, std::string(started) + "attach sesslimit-kept-3-7.scope 76; end 3; told 1 no memory; ");
}

SESSLIMIT_TEST(session_terminated_when_systemd_unreachable) {
    World world({{{server}, {shell}, 0}});
    world.at_once = Error{"no bus", ENOTCONN};
    world.begin();
    EXPECT_TEXT(world.log, std::string(started) + "end 3; told 0 no bus; ");

    World later({{{server}, {shell}, 0}, {{}, {shell}, 1}});
    later.begin();
    later.at_once = Error{"no bus", ENOTCONN};
    later.reply();
    EXPECT_TEXT(later.log, std::string(started) + "attach sesslimit-kept-3-7.scope 76; end 3; told 1 no bus; ");
    later.log.clear();
    later.at_once.reset();
    later.begin();
    // no state of the previous attempt remains
    EXPECT_TEXT(later.log, "start user-1001.slice/sesslimit-kept-3-7.scope 76; ");
}

SESSLIMIT_TEST(session_terminated_when_deadline_timer_fails) {
    World world({{{server}, {shell}, 0}}, 1h, nullptr); // no loop, so that the timer cannot be armed
    world.begin();
    EXPECT_TEXT(world.log, "end 3; told 0 failed to read the clock of the event loop: Invalid argument; ");
}

/// A failed inspection is not the same as no kept program. The session is terminated with its programs, and that is
/// reported.
SESSLIMIT_TEST(session_terminated_when_inspection_fails) {
    World world({KeptPrograms{{server}, {shell}, 0}});
    world.left_to_see = 0;
    world.begin();
    EXPECT_TEXT(world.log, "end 3; told 0 unseen no descriptors; ");

    World later({KeptPrograms{{server}, {shell}, 0}});
    later.left_to_see = 1;
    later.begin();
    later.reply();
    EXPECT_TEXT(later.log, std::string(started) + "end 3; told 0 unseen no descriptors; ");

    World again({KeptPrograms{{server}, {shell}, 0}});
    again.left_to_see = 1;
    again.begin();
    again.reply(fail("no such process", ESRCH));
    EXPECT_TEXT(again.log, std::string(started) + "end 3; told 0 unseen no descriptors; ");
}

SESSLIMIT_TEST(scope_of_previous_daemon_reused) {
    World world({{{server}, {shell}, 0}, {{}, {}, 2}});
    world.begin();
    world.reply(fail("there is one", EEXIST));
    EXPECT_TEXT(world.log, std::string(started) + "end 3; told 2; ");
}

SESSLIMIT_TEST(exited_server_not_an_error) {
    World world({{{server}, {shell}, 0}, {{}, {}, 0}});
    world.begin();
    world.reply(fail("no such process", ESRCH));
    EXPECT_TEXT(world.log, std::string(started) + "end 3; ");

    World other({{{server, {84, 1, 84, 0, "screen"}}, {}, 0}, {{server}, {}, 0}, {{}, {}, 1}});
    other.begin();
    other.log.clear();
    other.reply(fail("no such process", ESRCH));
    EXPECT_TEXT(other.log, started);
}

SESSLIMIT_TEST(endless_process_creation_bounded) {
    World world({{{server}, {}, 0}, {{}, {late}, 1}});
    world.begin();
    for (int round = 0; round <= ProgramPreserver::max_rounds && world.log.find("end 3") == std::string::npos;
         ++round) {
        world.reply();
    }
    EXPECT(world.log.ends_with("end 3; told 1 the kept programs start processes faster than systemd moves them "
                               "to another scope; "),
           world.log);
}

SESSLIMIT_TEST(missing_systemd_reply_bounded_by_deadline) {
    World world({{{server}, {}, 0}}, 1ms);
    world.begin();
    EXPECT(run_until(world.loop, [&] { return world.log.find("end 3") != std::string::npos; }), world.log);
    EXPECT_TEXT(world.log, std::string(started) + "end 3; told 0 systemd did not answer in time; ");
    world.log.clear();
    world.reply();
    EXPECT_TEXT(world.log, "");
}

} // namespace
