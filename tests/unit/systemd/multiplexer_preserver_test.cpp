// SPDX-License-Identifier: MIT
#include "daemon/systemd/multiplexer_preserver.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/loop_bench.hpp"

#include <cerrno>
#include <limits>
#include <optional>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace std::chrono_literals;
using inspect::Multiplexer;
using inspect::Process;

const Process server{75, 1, 75, 0, "tmux: server"};
const Process shell{76, 75, 76, 1, "bash"};
const Process late{110, 76, 76, 1, "sleep"};

/// systemd and logind made up: everything that is asked of them goes into `log`, in its order, and the answers are
/// given by the test.
struct World final : systemd::Scopes {
    EventLoop loop;
    std::string log;
    std::vector<Multiplexer> sights;                   ///< what the next looks show; the last one stays
    int left_to_see = std::numeric_limits<int>::max(); ///< looks until one fails
    Done answer;
    std::optional<Error> at_once; ///< what start() and attach() come back with, before they return
    MultiplexerPreserver sparing;

    explicit World(std::vector<Multiplexer> looks, Duration within = 1h, EventLoop with = make_loop())
        : loop(std::move(with)), sights(std::move(looks)),
          sparing({.loop = loop.get(),
                   .scopes = *this,
                   .look = [this](const auto&, const auto&) { return next_sight(); },
                   .terminate = [this](const std::string& id) { log += "end " + id + "; "; },
                   .told = [this](const auto& outcome) { tell(outcome); },
                   .within = within}) {}

    Result<Multiplexer> next_sight() {
        if (left_to_see-- == 0) {
            return fail("no descriptors", EMFILE);
        }
        const Multiplexer sight = sights.front();
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
    void give_up(const std::string&) override {}
    void tell(const MultiplexerPreserver::Outcome& outcome) {
        log += "told " + std::to_string(outcome.moved) + (outcome.is_unclear ? " unseen" : "") +
               (outcome.problem ? " " + outcome.problem->what : "") + "; ";
    }
    void begin() {
        core::Session session;
        session.key = SessionKey{7};
        session.logind_id = "3";
        session.login.user = "alice";
        session.login.uid = 1001;
        sparing.begin(session);
    }
    void reply(const Result<>& result = {}) const {
        const Done done = answer; // what it leads to may ask anew
        done(result);
    }
};

constexpr std::string_view started = "start user-1001.slice/sesslimit-kept-3-7.scope 75; ";

void without_a_multiplexer_it_is_ended_at_once() {
    World world({Multiplexer{}});
    world.begin();
    EXPECT_TEXT(world.log, "end 3; ");
}

void it_is_ended_after_the_last_has_moved() {
    World world({{{server}, {shell}, 0}, {{}, {shell}, 1}, {{}, {late}, 2}, {{}, {}, 3}});
    world.begin();
    EXPECT_TEXT(world.log, started);
    world.reply();
    world.reply();
    world.begin(); // asked for again
    EXPECT_TEXT(world.log, std::string(started) + "attach sesslimit-kept-3-7.scope 76; "
                                                  "attach sesslimit-kept-3-7.scope 110; ");
    world.log.clear();
    world.reply();
    EXPECT_TEXT(world.log, "end 3; told 3; ");
    world.log.clear();
    world.reply(fail("too late"));
    EXPECT_TEXT(world.log, "");
}

void it_is_ended_when_nothing_can_be_moved() {
    World world({{{server}, {shell}, 0}});
    world.begin();
    world.reply(fail("not allowed", EACCES));
    EXPECT_TEXT(world.log, std::string(started) + "end 3; told 0 not allowed; ");
}

void it_is_ended_when_only_some_could_be_moved() {
    World world({{{server}, {shell}, 0}, {{}, {shell}, 1}});
    world.begin();
    world.reply();
    world.reply(fail("no memory", ENOMEM));
    EXPECT_TEXT(world.log, std::string(started) + "attach sesslimit-kept-3-7.scope 76; end 3; told 1 no memory; ");
}

void it_is_ended_when_systemd_cannot_even_be_asked() {
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
    EXPECT_TEXT(later.log, "start user-1001.slice/sesslimit-kept-3-7.scope 76; "); // nothing of before is left
}

void it_is_ended_when_there_is_no_timer_for_the_deadline() {
    World world({{{server}, {shell}, 0}}, 1h, nullptr); // a loop that takes none
    world.begin();
    EXPECT_TEXT(world.log, "end 3; told 0 arm a timer: Invalid argument; ");
}

/// Which is not to have no multiplexer: it ends with the session all the same, and that is said.
void it_is_ended_when_nobody_can_tell_what_runs() {
    World world({Multiplexer{{server}, {shell}, 0}});
    world.left_to_see = 0;
    world.begin();
    EXPECT_TEXT(world.log, "end 3; told 0 unseen no descriptors; ");

    World later({Multiplexer{{server}, {shell}, 0}});
    later.left_to_see = 1;
    later.begin();
    later.reply();
    EXPECT_TEXT(later.log, std::string(started) + "end 3; told 0 unseen no descriptors; ");

    World again({Multiplexer{{server}, {shell}, 0}});
    again.left_to_see = 1;
    again.begin();
    again.reply(fail("no such process", ESRCH));
    EXPECT_TEXT(again.log, std::string(started) + "end 3; told 0 unseen no descriptors; ");
}

void a_scope_from_before_a_restart_is_used() {
    World world({{{server}, {shell}, 0}, {{}, {}, 2}});
    world.begin();
    world.reply(fail("there is one", EEXIST));
    EXPECT_TEXT(world.log, std::string(started) + "end 3; told 2; ");
}

void a_server_that_has_gone_is_no_error() {
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

void whoever_starts_processes_for_ever_is_not_followed_for_ever() {
    World world({{{server}, {}, 0}, {{}, {late}, 1}});
    world.begin();
    for (int round = 0; round <= MultiplexerPreserver::max_rounds && world.log.find("end 3") == std::string::npos;
         ++round) {
        world.reply();
    }
    EXPECT(world.log.ends_with("end 3; told 1 processes are started faster than they can be moved; "), world.log);
}

void nobody_is_waited_for_longer_than_the_deadline() {
    World world({{{server}, {}, 0}}, 1ms);
    world.begin();
    EXPECT(run_until(world.loop, [&] { return world.log.find("end 3") != std::string::npos; }), world.log);
    EXPECT_TEXT(world.log, std::string(started) + "end 3; told 0 systemd did not answer in time; ");
    world.log.clear();
    world.reply();
    EXPECT_TEXT(world.log, "");
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(without_a_multiplexer_it_is_ended_at_once),
        SESSLIMIT_TEST(it_is_ended_after_the_last_has_moved),
        SESSLIMIT_TEST(it_is_ended_when_nothing_can_be_moved),
        SESSLIMIT_TEST(it_is_ended_when_only_some_could_be_moved),
        SESSLIMIT_TEST(it_is_ended_when_systemd_cannot_even_be_asked),
        SESSLIMIT_TEST(it_is_ended_when_there_is_no_timer_for_the_deadline),
        SESSLIMIT_TEST(it_is_ended_when_nobody_can_tell_what_runs),
        SESSLIMIT_TEST(a_scope_from_before_a_restart_is_used),
        SESSLIMIT_TEST(a_server_that_has_gone_is_no_error),
        SESSLIMIT_TEST(whoever_starts_processes_for_ever_is_not_followed_for_ever),
        SESSLIMIT_TEST(nobody_is_waited_for_longer_than_the_deadline),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
