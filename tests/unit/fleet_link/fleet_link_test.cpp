// SPDX-License-Identifier: MIT
// The connection to sesslimit-fleetd: what it sends and reports, and what happens after faults of the other side.
#include "daemon/fleet_link/fleet_link.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"
#include "tests/unit/support/fake_fleetd.hpp"
#include "tests/unit/support/function_sink.hpp"
#include "tests/unit/support/loop_bench.hpp"

#include <cstring>
#include <optional>
#include <utility>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace sesslimit::core;
namespace frames = sesslimit::fleet::wire;

Session in_fleet(std::uint64_t number, FleetClaim claim = FleetClaim::recorded) {
    Session session = session_in(claim == FleetClaim::asked ? Phase::asking : Phase::active, key(number));
    session.fleet_claim = claim;
    session.fleet_limit = 3;
    return session;
}

struct Bench {
    TemporaryDirectory directory;
    EventLoop loop = make_loop();
    std::string path = (directory.path / "fleet.sock").string();
    std::optional<FakeFleetd> fleetd = std::optional<FakeFleetd>(std::in_place, path);
    State state;
    std::string log; ///< events and problems
    FunctionSink sink{[this](const Event& event) { hear(event); }};
    FleetLink link{{.loop = loop.get(),
                    .socket = path,
                    .events = sink,
                    .state = [this]() -> const State& { return state; },
                    .rule_of = [](const Session& session) { return session.login.user == "bob" ? "r" : ""; },
                    .warn = [this](const std::string& text) { say("warn: " + text.substr(0, text.find(':'))); },
                    .info = [this](const std::string& text) { say("info: " + text); },
                    .repaired = [this](const std::string& text) { say("repaired: " + text); }}};

    void say(const std::string& text) { log += (log.empty() ? "" : ", ") + text; }
    std::string take() { return std::exchange(log, {}); }

    void hear(const Event& event) {
        if (const auto* changed = std::get_if<FleetStateChanged>(&event)) {
            constexpr std::string_view names[] = {"down", "connecting", "up"};
            say(std::string(names[std::to_underlying(changed->state)]));
        } else if (const auto* answered = std::get_if<ClaimAnswered>(&event)) {
            constexpr std::string_view names[] = {"granted ", "full ", "unknown "};
            say(std::string(names[std::to_underlying(answered->outcome)]) + number(answered->session));
            for (const FleetHolder& holder : answered->holders.named) {
                say(holder.host + " since " + std::to_string(holder.since) + " of " +
                    std::to_string(answered->holders.count));
            }
        } else if (const auto* exceeded = std::get_if<FleetLimitExceeded>(&event)) {
            say("exceeded " + number(exceeded->session));
        } else if (const auto* end = std::get_if<FleetTerminationRequested>(&event)) {
            say("end " + std::to_string(end->order) + (end->is_credential ? " credential " : " user ") + end->subject +
                " by " + end->by + ": " + end->message);
        }
    }

    /// Runs the loop until the fake has received these frames. Returns what it has received instead, if it was not
    /// them.
    std::string received(std::string_view expected) {
        std::string all;
        (void)run_until(loop, [&] {
            if (!fleetd->is_connected()) {
                fleetd->accept();
            }
            const std::string more = fleetd->frames();
            all += (all.empty() || more.empty() ? "" : ", ") + more;
            return all.size() >= expected.size();
        });
        return all;
    }

    /// Runs the loop until this text was reported.
    bool hears(const std::string& text) {
        return run_until(loop, [&] { return log.find(text) != std::string::npos; });
    }

    /// Connects and reports that the fleet is up.
    void join() {
        link.follow(true, "d");
        EXPECT_TEXT(received("hello d, end of list"), "hello d, end of list");
        fleetd->send_state(true);
        EXPECT(hears("up"), log);
        (void)take();
    }
};

SESSLIMIT_TEST(link_without_limit_has_no_socket_and_no_timer) {
    Bench bench;
    bench.link.follow(false, "d");
    constexpr std::string_view list = "hello d, end of list, closed";
    EXPECT_TEXT(bench.received(list), list); // an earlier process may have claimed
    EXPECT(run_until(bench.loop, [&] { return bench.link.is_idle(); }), "the connection is closed");
    EXPECT_TEXT(bench.take(), "connecting, down");
    bench.link.follow(false, "e");
    bench.link.release(key(1));
    bench.link.report({});
    run_ready(bench.loop);
    EXPECT(bench.link.is_idle() && !bench.fleetd->accept(), "nothing is connected");
    EXPECT_TEXT(bench.log, "");
}

SESSLIMIT_TEST(link_without_limit_and_package_does_nothing) {
    Bench bench;
    bench.fleetd.reset();
    (void)std::filesystem::remove(bench.path);
    bench.link.follow(false, "d");
    run_ready(bench.loop);
    EXPECT(bench.link.is_idle(), "no timer");
    EXPECT_TEXT(bench.log, "connecting, down");
}

/// The daemon restores its sessions one by one. A list of only some of them would release the slots of the others.
SESSLIMIT_TEST(link_does_not_connect_before_it_follows_a_policy) {
    Bench bench;
    bench.state.put(in_fleet(1));
    bench.link.claim(bench.state.at(key(1)), false);
    bench.state.put(in_fleet(2));
    bench.link.claim(bench.state.at(key(2)), false);
    EXPECT(bench.link.is_idle(), "not connected");
    bench.link.follow(false, "d"); // the claims remain until the policy is applied to the sessions
    constexpr std::string_view list = "hello d, listed 1 alice 3, listed 2 alice 3, end of list";
    EXPECT_TEXT(bench.received(list), list);
}

SESSLIMIT_TEST(sessions_listed_after_connection) {
    Bench bench;
    bench.state.put(in_fleet(7, FleetClaim::granted));
    bench.state.put(in_fleet(8, FleetClaim::none));
    bench.state.put(in_fleet(9, FleetClaim::asked));
    Session bobs = in_fleet(10);
    bobs.login = ssh(bob);
    bench.state.put(bobs);
    bench.link.follow(true, "digest");
    constexpr std::string_view list =
        "hello digest, listed 7 alice 3, claim 9 alice 3, listed 10 bob 3 by r, end of list";
    EXPECT_TEXT(bench.received(list), list);
    EXPECT_TEXT(bench.take(), "connecting");
    bench.fleetd->send_state(true);
    bench.fleetd->answer(9, frames::Outcome::granted);
    EXPECT(bench.hears("granted 9"), bench.log);
    EXPECT_TEXT(bench.take(), "up, granted 9");
}

SESSLIMIT_TEST(starts_in_the_future_are_not_known) {
    Bench bench;
    bench.join();
    const auto now = std::chrono::floor<std::chrono::seconds>(wall_now().time_since_epoch()).count();
    frames::AnswerFrame frame{.session = 1, .outcome = frames::Outcome::full, .count = 2, .holder_count = 2};
    const std::string slightly_ahead = std::to_string(now + 30);
    frame.holders[0] = {"web1", static_cast<std::uint64_t>(now + 30)};
    frame.holders[1] = {"web2", static_cast<std::uint64_t>(now + 3600)};
    bench.fleetd->send(frame);
    EXPECT(bench.hears("web2"), bench.log);
    EXPECT_TEXT(bench.take(), "full 1, web1 since " + slightly_ahead + " of 2, web2 since 0 of 2");
}

SESSLIMIT_TEST(calls_become_frames_and_frames_become_events) {
    Bench bench;
    bench.join();
    bench.state.put(in_fleet(1, FleetClaim::asked));
    bench.link.claim(bench.state.at(key(1)), true);
    bench.link.claim(in_fleet(2), false);
    bench.link.list(in_fleet(3));
    bench.link.release(key(4));
    bench.link.report({.order = 5, .count = 6});
    constexpr std::string_view sent = "claim 1 alice 3, record 2 alice 3, listed 3 alice 3, release 4, ended 6 for 5";
    EXPECT_TEXT(bench.received(sent), sent);
    bench.fleetd->answer(1, frames::Outcome::full);
    bench.fleetd->answer(2, frames::Outcome::unknown);
    bench.fleetd->send(frames::OverLimitFrame{3});
    bench.fleetd->send(frames::RepairingFrame{4});
    frames::EndFrame end;
    end.order = 5;
    end.subject = "alice";
    end.by = "admin";
    end.reason = "why";
    bench.fleetd->send(end);
    end.order = 6;
    end.what = fleet::EndOrder::Kind::credential;
    end.subject = "SHA256:x";
    bench.fleetd->send(end);
    bench.fleetd->send_state(false);
    EXPECT(bench.hears("down"), bench.log);
    EXPECT_TEXT(bench.take(),
                "full 1, web1 since 1700000000 of 2, unknown 2, exceeded 3, repaired: Records of 4 sessions "
                "of this host were missing in the fleet, and are written again., end 5 user alice by "
                "admin: why, end 6 credential SHA256:x by admin: why, warn: The fleet does not answer, "
                "so sessions on other hosts are not counted, down");
    bench.fleetd->send_state(true);
    EXPECT(bench.hears("up"), bench.log);
    EXPECT_TEXT(bench.take(), "info: The fleet answers again., up");
}

/// sesslimit-fleetd repeats an order after a lost connection. Sessions that were opened since are not terminated.
SESSLIMIT_TEST(repeated_order_terminates_nothing) {
    Bench bench;
    bench.join();
    frames::EndFrame end;
    end.order = 5;
    end.subject = "alice";
    end.by = "admin";
    bench.fleetd->send(end);
    EXPECT(bench.hears("end 5 user alice by admin: "), bench.log);
    bench.link.report({.order = 5, .count = 2});
    (void)bench.take();
    bench.fleetd->send(end);
    constexpr std::string_view sent = "ended 2 for 5, ended 2 for 5";
    EXPECT_TEXT(bench.received(sent), sent);
    EXPECT_TEXT(bench.take(), "");
}

/// The numbers of orders are random. The oldest orders are forgotten, not those with the lowest numbers.
SESSLIMIT_TEST(newest_orders_are_remembered) {
    Bench bench;
    bench.join();
    frames::EndFrame end;
    end.subject = "alice";
    end.by = "admin";
    for (std::uint64_t at = 0; at < FleetLink::max_orders + 2; ++at) {
        end.order = at == FleetLink::max_orders ? 5 : 1000 + at;
        bench.fleetd->send(end);
        EXPECT(bench.hears("end " + std::to_string(end.order) + " user"), "received");
        (void)bench.take();
    }
    end.order = 5;
    bench.fleetd->send(end);
    EXPECT_TEXT(bench.received("ended 0 for 5"), "ended 0 for 5");
    EXPECT_TEXT(bench.take(), "");
    end.order = 1000;
    bench.fleetd->send(end);
    EXPECT(bench.hears("end 1000 user"), "the oldest order is forgotten");
}

/// sesslimit-fleetd restarts. The sessions are listed again.
SESSLIMIT_TEST(lost_connection_is_established_again) {
    Bench bench;
    bench.join();
    bench.state.put(in_fleet(1));
    bench.fleetd.reset();
    EXPECT(bench.hears("connecting"), bench.log);
    EXPECT_TEXT(bench.take(), "warn: Lost the connection to sesslimit-fleetd, connecting again, connecting");
    bench.link.release(key(9)); // has no effect, because the session is not listed
    bench.fleetd.emplace(bench.path);
    EXPECT_TEXT(bench.received("hello d, listed 1 alice 3, end of list"), "hello d, listed 1 alice 3, end of list");
    bench.fleetd->send_state(true);
    EXPECT(bench.hears("up"), bench.log);
}

SESSLIMIT_TEST(number_of_messages_is_bounded) {
    const auto count = [](const std::string& log, const std::string& text) {
        int found = 0;
        for (std::size_t at = 0; (at = log.find(text, at)) != std::string::npos; ++at) {
            ++found;
        }
        return found;
    };
    for (const bool repairs : {true, false}) {
        Bench bench;
        bench.join();
        for (int frame = 0; frame < 20 * MessageBudget::burst; ++frame) {
            repairs ? bench.fleetd->send(frames::RepairingFrame{1}) : bench.fleetd->send_state(frame % 2 != 0);
            run_ready(bench.loop);
        }
        EXPECT(count(bench.log, repairs ? "repaired: " : "warn: ") == MessageBudget::burst, bench.log);
        EXPECT(count(bench.log, "info: ") == (repairs ? 0 : MessageBudget::burst), bench.log);
    }
    MessageBudget budget;
    MonotonicTime now{std::chrono::hours(1)};
    int logged = 0;
    for (int second = 0; second < 1000; ++second, now += std::chrono::seconds(1)) {
        logged += budget.take(now) ? 1 : 0;
    }
    EXPECT(logged == MessageBudget::burst + 99, std::to_string(logged));
}

SESSLIMIT_TEST(invalid_frames_close_connection) {
    std::array<std::byte, frames::max_frame + 1> bytes{};
    const auto hello = frames::encode(frames::Hello{}, bytes);
    const std::vector<std::byte> of_daemon(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(*hello));
    std::vector<std::byte> of_other_version = of_daemon;
    of_other_version[4] = std::byte{2};
    const std::vector<std::byte> invalid[] = {
        of_daemon, of_other_version, {std::byte{1}}, std::vector<std::byte>(frames::max_frame + 1, std::byte{0x53})};
    for (const std::vector<std::byte>& frame : invalid) {
        Bench bench;
        bench.join();
        bench.fleetd->send_bytes(frame);
        EXPECT(bench.hears("connecting"), std::to_string(frame.size()));
        EXPECT_TEXT(bench.received("closed"), "closed");
        EXPECT_TEXT(bench.received("hello d, end of list"), "hello d, end of list");
    }
}

/// The state stays unknown for a short time only. Then logins do not wait.
SESSLIMIT_TEST(fleet_is_down_if_it_does_not_report_its_state) {
    Bench bench;
    bench.link.follow(true, "d");
    EXPECT(bench.hears("down"), bench.log);
    EXPECT_TEXT(bench.take(), "connecting, down");
    EXPECT_TEXT(bench.received("hello d, end of list"), "hello d, end of list");
    bench.fleetd->send_state(true);
    EXPECT(bench.hears("up"), bench.log);
}

SESSLIMIT_TEST(fleet_is_down_without_socket) {
    Bench bench;
    bench.fleetd.reset();
    (void)std::filesystem::remove(bench.path);
    bench.link.follow(true, "d");
    EXPECT(bench.hears("down"), bench.log);
    EXPECT_TEXT(bench.take(), "connecting, warn: Failed to connect to sesslimit-fleetd, retrying. Sessions on other "
                              "hosts are not counted, down");
    bench.link.follow(false, "d");
    EXPECT(run_until(bench.loop, [&] { return bench.link.is_idle(); }), "it stops to try");
}

/// The process of sesslimit-fleetd hangs. Later logins do not wait for it.
SESSLIMIT_TEST(silent_process_is_down) {
    Bench bench;
    bench.join();
    bench.link.claim(in_fleet(1, FleetClaim::asked), true);
    const MonotonicTime asked = monotonic_now();
    (void)run_until(bench.loop, [&] { return monotonic_now() - asked >= FleetLink::answer_timeout; });
    EXPECT_TEXT(bench.log, "");
    bench.link.list(in_fleet(1)); // the core does not wait any longer
    EXPECT_TEXT(bench.take(), "warn: Lost the connection to sesslimit-fleetd, connecting again, down");
    EXPECT_TEXT(bench.received("claim 1 alice 3, closed"), "claim 1 alice 3, closed");
    EXPECT_TEXT(bench.received("hello d, end of list"), "hello d, end of list");
    EXPECT_TEXT(bench.log, "");
    bench.fleetd->send_state(true);
    EXPECT(bench.hears("up"), bench.log);
}

SESSLIMIT_TEST(new_policy_is_reported_by_new_connection) {
    Bench bench;
    bench.join();
    bench.link.follow(true, "d");
    EXPECT(bench.link.is_connected(), "the same policy");
    bench.link.follow(true, "e");
    EXPECT_TEXT(bench.received("closed"), "closed");
    EXPECT_TEXT(bench.received("hello e, end of list"), "hello e, end of list");
}

SESSLIMIT_TEST(connection_closed_after_last_release) {
    Bench bench;
    bench.join();
    bench.state.put(in_fleet(1));
    bench.link.claim(bench.state.at(key(1)), false);
    bench.link.follow(false, "e"); // a session remains
    EXPECT(bench.link.is_connected(), "one claim");
    bench.state.drop(key(1));
    bench.link.release(key(1));
    EXPECT(bench.link.is_idle(), "no timer either");
    EXPECT_TEXT(bench.received("record 1 alice 3, release 1, closed"), "record 1 alice 3, release 1, closed");
    EXPECT_TEXT(bench.take(), "down");
}

SESSLIMIT_TEST(session_that_fits_no_frame_is_answered) {
    Bench bench;
    bench.join();
    Session nameless = in_fleet(1, FleetClaim::asked);
    nameless.login.user.clear();
    bench.link.claim(nameless, true);
    EXPECT_TEXT(bench.take(), "unknown 1");
    EXPECT(bench.link.is_connected(), "connected");
}

/// More sessions than the socket holds, while others come and leave. Each is known to the other side at the end.
SESSLIMIT_TEST(long_list_with_changes_is_complete) {
    constexpr std::uint64_t sessions = 3000;
    Bench bench;
    for (std::uint64_t number = 1; number <= sessions; ++number) {
        bench.state.put(in_fleet(number));
    }
    bench.link.follow(true, "d");
    std::set<std::uint64_t> known;
    std::uint64_t next = sessions;
    bool is_listed = false;
    const bool is_complete = run_until(bench.loop, [&] {
        bench.fleetd->accept();
        for (int read = 0; read < 40; ++read) {
            const std::string frame = bench.fleetd->next_frame();
            const auto number =
                frame.find(' ') == std::string::npos ? 0 : std::strtoull(frame.c_str() + frame.find(' '), nullptr, 10);
            if (frame.starts_with("listed ") || frame.starts_with("record ")) {
                EXPECT(known.insert(number).second, frame);
            } else if (frame.starts_with("release ")) {
                EXPECT(known.erase(number) == 1, frame);
            }
            is_listed = is_listed || frame == "end of list";
        }
        if (!is_listed && next < sessions + 100) { // a login, and the end of a session that may be listed or not
            bench.state.put(in_fleet(++next));
            bench.link.claim(bench.state.at(key(next)), false);
            const SessionKey gone = key((next - sessions) * 29);
            bench.state.drop(gone);
            bench.link.release(gone);
        }
        return is_listed && known.size() == bench.state.claims();
    });
    EXPECT(is_complete, std::to_string(known.size()) + " of " + std::to_string(bench.state.claims()));
    for (const auto& [session, value] : bench.state.sessions()) {
        EXPECT(known.contains(std::to_underlying(session)), number(session));
    }
    EXPECT(next > sessions + 10, "sessions changed during the list");
}

/// The other side does not read. The memory for frames is bounded.
SESSLIMIT_TEST(frames_that_are_not_read_close_connection) {
    Bench bench;
    bench.join();
    for (std::uint64_t number = 1; number < 100'000 && bench.link.is_connected(); ++number) {
        bench.link.release(key(number));
    }
    EXPECT(!bench.link.is_connected(), "closed");
    EXPECT_TEXT(bench.take(), "warn: Lost the connection to sesslimit-fleetd, connecting again, connecting");
}

} // namespace
