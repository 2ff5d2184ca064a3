// SPDX-License-Identifier: MIT
// The daemon with a process that speaks the protocol of sesslimit-fleetd.
#include "tests/bus/daemon_bench.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/fake_fleetd.hpp"

#include <functional>
#include <set>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;

/// sesslimit-fleetd, as the daemon sees it. It has `slots` slots for all users together.
struct Fleet {
    Bench& bench;
    FakeFleetd fleetd{bench.fleet_socket()};
    std::size_t slots = 3;
    std::size_t claims = 0;
    std::set<std::uint64_t> sessions{};
    std::string log{}; ///< the frames without session numbers and the digest of the policy

    /// Receives and answers all frames that have arrived.
    void serve() {
        fleetd.accept();
        for (std::string frame = fleetd.next_frame(); !frame.empty(); frame = fleetd.next_frame()) {
            std::istringstream words(frame);
            std::string kind;
            std::uint64_t number = 0;
            words >> kind >> number;
            log += (log.empty() ? "" : ", ") + (kind == "end" ? frame : kind);
            if (kind == "hello") {
                fleetd.send_state(true);
            } else if (kind == "listed") {
                sessions.insert(number);
            } else if (kind == "release") {
                sessions.erase(number);
            } else if (kind == "claim") {
                ++claims;
                const bool is_granted = sessions.contains(number) || sessions.size() < slots;
                if (is_granted) {
                    sessions.insert(number);
                }
                fleetd.answer(number, is_granted ? fleet::wire::Outcome::granted : fleet::wire::Outcome::full);
            }
        }
    }

    /// Serves until the condition is true.
    bool serve_until(const std::function<bool()>& done) {
        return run_until(bench.loop, [&] {
            serve();
            return done();
        });
    }

    std::string answer_to(const Asking& login) {
        return serve_until([&] { return login.is_answered(); }) ? login.answer() : "none";
    }
};

SESSLIMIT_TEST(fleet_decides_about_login) {
    Bench bench;
    EXPECT(bench.is_up(), "it has its bus name");
    Fleet fleet{.bench = bench, .slots = 1};
    EXPECT_TEXT(Asking(bench.socket()).answer(), "1");
    EXPECT(!fleet.fleetd.accept(), "no connection without a limit over the fleet");
    EXPECT(bench.reload("max_sessions_fleet = 2\n"), "policy");
    EXPECT(fleet.serve_until([&] { return fleet.log.ends_with("end of list"); }), fleet.log);
    Asking first(bench.socket());
    EXPECT_TEXT(fleet.answer_to(first), "1");
    const std::string denied = fleet.answer_to(Asking(bench.socket()));
    EXPECT(denied.starts_with("3 ") &&
               denied.find("limit of 2 sessions on all hosts reached: web1 since 2023-11-") != std::string::npos,
           denied);
    EXPECT_TEXT(Asking(bench.socket(), {.uid = 0}).answer(), "1"); // root does not need the fleet
    first.let_go();
    EXPECT(fleet.serve_until([&] { return fleet.sessions.empty(); }), "its slot is released");
    EXPECT(bench.reload("max_sessions = 3\n"), "policy");
    EXPECT(run_until(bench.loop, [&] { return fleet.fleetd.frames() == "closed"; }), "not needed any longer");
    EXPECT(!fleet.fleetd.accept(), "and not again");
    const int status = bench.end();
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0, std::to_string(status));
}

/// The daemon is killed. Its sessions keep their slots.
SESSLIMIT_TEST(restarted_daemon_lists_its_sessions) {
    Bench bench;
    EXPECT(bench.is_up(), "it has its bus name");
    Fleet fleet{.bench = bench};
    EXPECT(bench.reload("max_sessions_fleet = 3\n"), "policy");
    const Asking open(bench.socket());
    EXPECT_TEXT(fleet.answer_to(open), "1");
    const std::set<std::uint64_t> before = std::exchange(fleet.sessions, {});
    (void)kill(bench.daemon, SIGKILL);
    (void)waitpid(bench.daemon, nullptr, 0);
    fleet.log.clear();
    bench.start();
    EXPECT(fleet.serve_until([&] { return fleet.log.ends_with("end of list"); }), fleet.log);
    EXPECT_TEXT(fleet.log, "closed, hello, listed, end of list");
    EXPECT(fleet.sessions == before && before.size() == 1, "the same session");
    const int status = bench.end();
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0, std::to_string(status));
}

/// Many logins at once, while the connection is lost twice. Claims are repeated, and each login is answered.
SESSLIMIT_TEST(storm_of_logins_gets_exactly_the_slots) {
    constexpr std::size_t logins = 40;
    Bench bench;
    EXPECT(bench.is_up(), "it has its bus name");
    Fleet fleet{.bench = bench};
    EXPECT(bench.reload("max_sessions_fleet = 3\non_fleet_error = \"deny\"\n"), "policy");
    EXPECT(fleet.serve_until([&] { return fleet.log.ends_with("end of list"); }), fleet.log);
    std::vector<std::unique_ptr<Asking>> all;
    for (std::size_t number = 0; number < logins; ++number) {
        all.push_back(std::make_unique<Asking>(bench.socket()));
    }
    std::size_t losses = 0;
    const bool is_answered = fleet.serve_until([&] {
        if (losses < 2 && fleet.claims > losses * 15 + 5) {
            fleet.fleetd.hang_up();
            ++losses;
        }
        return std::ranges::all_of(all, [](const auto& login) { return login->is_answered(); });
    });
    EXPECT(is_answered && losses == 2, std::to_string(fleet.claims) + " claims");
    const auto admitted = std::ranges::count_if(all, [](const auto& login) { return login->answer() == "1"; });
    EXPECT(admitted == 3, std::to_string(admitted));
    all.clear();
    EXPECT(fleet.serve_until([&] { return fleet.sessions.empty(); }), "no slot is left");
    const int status = bench.end();
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0, std::to_string(status));
}

/// sesslimit-fleetd does not answer, and then is gone. The first login waits for it, and the second one does not.
SESSLIMIT_TEST(logins_without_answer_of_the_fleet) {
    Bench bench;
    EXPECT(bench.is_up(), "it has its bus name");
    FakeFleetd fleetd(bench.fleet_socket());
    EXPECT(bench.reload("max_sessions_fleet = 1\n"), "policy");
    EXPECT(run_until(bench.loop, [&] { return fleetd.accept(); }), "connected");
    fleetd.send_state(true);
    const Asking first(bench.socket());
    EXPECT(run_until(bench.loop, [&] { return first.is_answered(); }), "answered");
    EXPECT_TEXT(first.answer(), "1");
    Duration shortest = Duration::max(); // on a busy machine, a login may be late
    for (int login = 0; login < 3; ++login) {
        const MonotonicTime asked = monotonic_now();
        const std::string denied = Asking(bench.socket()).answer();
        EXPECT(denied.starts_with("3 ") && denied.find("limit of 1 session on all hosts") != std::string::npos, denied);
        shortest = std::min(shortest, monotonic_now() - asked);
    }
    EXPECT(shortest < std::chrono::seconds(2), "at once");
    const int status = bench.end();
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0, std::to_string(status));
}

} // namespace

int main() {
    return sesslimit::test::run_all_as_root("only root may reload the policy without polkit");
}
