// SPDX-License-Identifier: MIT
// Every event in every phase: the decision, and that the state becomes stable afterwards.
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

#include <algorithm>
#include <utility>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace sesslimit::core;

const Rules rules{.max = 1, .duration = 24h, .idle = 1h};
const Leader leader{500, 5000}; // the leader of session_in()

/// A session in one of its possible states.
struct Setup {
    std::string_view name;
    Session session;
};

Session staged(Phase phase, TerminationStage stage, bool in_logind = true, bool led = true) {
    Session session = session_in(phase);
    session.stage = stage;
    if (!in_logind) {
        session.logind_id.clear();
        session.scope.clear();
    }
    if (!led) {
        session.leader = {};
        session.reason.cause = Cause::leader_gone;
    }
    return session;
}

Session in_logind(Session session) {
    session.logind_id = "c1";
    session.scope = "session-c1.scope";
    return session;
}

Session due_now(Session session) {
    session.due = start;
    return session;
}

Session judged(Phase phase, Duration age = 100s) {
    Session session = session_in(phase);
    session.max_duration = 24h;
    session.idle_timeout = 1h;
    session.idle_timeout_no_terminal = 1h;
    session.opened = start - age;
    session.last_input = session.opened;
    session.due = std::min(after(session.opened, 24h),
                           phase == Phase::active ? after(session.opened, 1h) : start + core::Timeouts::logind_wait);
    return session;
}

/// Returns an adopted session whose leader has exited, while logind is asked whether that was a logout.
Session unchecked() {
    Session session = judged(Phase::active);
    session.adopted = true;
    session.leader = {};
    session.logout_check = core::LogoutCheck::second;
    session.due = start + 10s;
    return session;
}

/// Returns a session whose user has logged out, while processes of it still run.
Session left_behind() {
    Session session = session_in(Phase::left_behind);
    session.logind_id = "c1";
    session.scope = "session-c1.scope";
    session.leader = {};
    session.logged_out = start - 10s;
    return session;
}

const Setup setups[] = {
    {"waiting", session_in(Phase::waiting)},
    {"waiting, due", due_now(session_in(Phase::waiting))},
    {"waiting/told", staged(Phase::waiting, TerminationStage::notified, false)},
    {"asking", session_in(Phase::asking)},
    {"admitted", judged(Phase::admitted)},
    {"admitted, over", judged(Phase::admitted, 25h)},
    {"active", judged(Phase::active)},
    {"active, idle", judged(Phase::active, 2h)},
    {"active, over", judged(Phase::active, 25h)},
    {"active, unchecked", unchecked()},
    {"ending/told", staged(Phase::ending, TerminationStage::notified)},
    {"ending/terminated", staged(Phase::ending, TerminationStage::sigterm_sent)},
    {"ending/forced", staged(Phase::ending, TerminationStage::sigkill_sent)},
    {"ending, no logind", staged(Phase::ending, TerminationStage::notified, false)},
    {"ending, no leader", staged(Phase::ending, TerminationStage::sigterm_sent, true, false)},
    {"ending, nothing", staged(Phase::ending, TerminationStage::sigterm_sent, false, false)},
    {"denied", session_in(Phase::denied)},
    {"denied/terminated", staged(Phase::denied, TerminationStage::sigterm_sent, false)},
    {"denied/forced", staged(Phase::denied, TerminationStage::sigkill_sent, false)},
    {"denied, in logind", in_logind(session_in(Phase::denied))},
    {"closed", session_in(Phase::closed)},
    {"closed, no logind", staged(Phase::closed, TerminationStage::pending, false)},
    {"left behind", left_behind()},
};

struct Happening {
    std::string_view name;
    Event event;
};

LogindSession escape_for_display(std::string id, Leader of, std::string session_class = "user", bool closing = false) {
    return {.id = id,
            .scope = "session-" + id + ".scope",
            .session_class = std::move(session_class),
            .closing = closing,
            .leader = of,
            .opened = start - 50s,
            .login = ssh()};
}

OpenRequested asks(Leader who, const Login& login) {
    return {.request = RequestId{88}, .login = login, .leader = who, .budget = 2s};
}

ActivityProbed looked(SessionKey session, std::optional<Duration> input) {
    core::ActivitySample sample;
    sample.wall_offset = 1'700'000'000s;
    sample.input = input;
    return {.session = session, .sample = sample};
}

const Happening happenings[] = {
    {"asks again", asks(leader, ssh())},
    {"another asks", asks({600, 6000}, ssh())},
    {"asks for bob", asks(leader, ssh(bob))},
    {"su", asks({600, 6000}, console(alice, "su"))},
    {"closed", CloseRequested{RequestId{99}, key(1), leader}},
    {"closed by its leader", CloseRequested{RequestId{99}, SessionKey::none, leader}},
    {"unknown session closed", CloseRequested{RequestId{99}, key(44), {600, 6000}}},
    {"hangs up", RequestAborted{RequestId{77}}},
    {"another hangs up", RequestAborted{RequestId{78}}},
    {"leader exits", LeaderExited{key(1)}},
    {"unknown leader exits", LeaderExited{key(44)}},
    {"logind shows it", LogindSessionNew{escape_for_display("c1", leader)}},
    {"logind shows its leader", LogindSessionNew{escape_for_display("c2", leader)}},
    {"logind shows its greeter", LogindSessionNew{escape_for_display("c2", leader, "greeter")}},
    {"logind shows it closing", LogindSessionNew{escape_for_display("c2", leader, "user", true)}},
    {"logind shows another", LogindSessionNew{escape_for_display("c3", {700, 7000})}},
    {"logind shows a dead one", LogindSessionNew{escape_for_display("c3", {})}},
    {"logind forgets it", LogindSessionRemoved{"c1"}},
    {"logind forgets another", LogindSessionRemoved{"c9"}},
    {"probed: no terminal", looked(key(1), std::nullopt)},
    {"probed: old input", looked(key(1), Duration(1'700'000'000s))},
    {"probed: input", looked(key(1), start.time_since_epoch() + 1'700'000'000s - 20s)},
    {"another probed", looked(key(44), std::nullopt)},
    {"logout", LogoutChecked{key(1), LogoutChecked::State::closing}},
    {"killed", LogoutChecked{key(1), LogoutChecked::State::open}},
    {"connections checked", ConnectionsChecked{key(1), 2s, {{key(1), 60s}}}},
    {"other connections checked", ConnectionsChecked{key(44), 2s, {{key(1), 60s}}}},
    {"input", InputReceived{key(1)}},
    {"input elsewhere", InputReceived{key(44)}},
    {"terminal opened", TerminalOpened{alice}},
    {"clock set", ClockChanged{}},
    {"timer", TimerExpired{}},
    {"policy changed", PolicyChanged{}},
    {"asked to end", TerminationRequested{key(1), "root"}},
    {"another asked to end", TerminationRequested{key(44), "root"}},
    {"groups learned", GroupsResolved{key(1), {100, 200}}},
    {"groups of another", GroupsResolved{key(44), {100, 200}}},
    {"claim granted", ClaimAnswered{key(1), ClaimAnswered::Outcome::granted}},
    {"fleet full", ClaimAnswered{key(1), ClaimAnswered::Outcome::full}},
    {"claim not answered", ClaimAnswered{key(1), ClaimAnswered::Outcome::unknown}},
    {"claim of another", ClaimAnswered{key(44), ClaimAnswered::Outcome::full}},
    {"fleet up", FleetStateChanged{FleetState::up}},
    {"fleet down", FleetStateChanged{FleetState::down}},
    {"beyond limit of fleet", FleetLimitExceeded{key(1)}},
    {"another beyond limit of fleet", FleetLimitExceeded{key(44)}},
    {"ended in fleet", FleetTerminationRequested{.order = 5, .subject = "alice", .by = "admin"}},
};

/// Expected decision. "*" stands for all setups that no other line of the event lists. Names are separated by "|".
struct Pair {
    std::string_view event;
    std::string_view setups;
    std::string_view decision; ///< empty: the event has no effect
};

constexpr Pair pairs[] = {
    {"asks again", "*", "drop 1, put 2 admitted, admitted 88, tell admitted 2"},
    {"asks again", "waiting|waiting, due", "put 1 waiting, wait 88"},
    {"asks again", "waiting/told", "put 1 waiting/told, wait 88"},
    {"asks again", "asking", "put 1 asking, wait 88"},
    {"asks again", "admitted|admitted, over|active|active, idle|active, over", "admitted 88"},
    {"asks again", "ending/told|ending/terminated|ending/forced|ending, no logind", "denied 88"},
    {"asks again", "ending, no leader|ending, nothing|active, unchecked",
     "put 2 denied, denied 88, tell denied 2 limit"},
    {"asks again", "left behind", "put 2 admitted, admitted 88, tell admitted 2"},
    {"another asks", "*", "put 2 denied, denied 88, tell denied 2 limit"},
    {"another asks", "active|active, idle|active, over", "put 2 waiting, check connections for 2"},
    {"another asks",
     "waiting|waiting, due|waiting/told|denied|denied/terminated|denied/forced|denied, in "
     "logind|closed|closed, no logind|left behind",
     "put 2 admitted, admitted 88, tell admitted 2"},
    {"asks for bob", "*", "put 2 admitted, admitted 88, tell admitted 2"},
    {"su", "*", "uncounted 88"},
    {"closed", "*", "noted 99"},
    {"closed", "active, unchecked", "put 1 left behind, noted 99, tell released 1"},
    {"closed", "admitted|admitted, over|active|active, idle|active, over", "put 1 closed, noted 99, tell released 1"},
    {"closed by its leader", "*", "noted 99"},
    {"closed by its leader", "admitted|admitted, over|active|active, idle|active, over",
     "put 1 closed, noted 99, tell released 1"},
    {"unknown session closed", "*", "noted 99"},
    {"hangs up", "*", ""},
    {"hangs up", "waiting|waiting, due|waiting/told", "drop 1"},
    {"hangs up", "asking", "drop 1, release claim of 1"},
    {"another hangs up", "*", ""},
    {"leader exits", "*", "drop 1"},
    {"leader exits", "left behind", ""},
    {"leader exits", "asking", "drop 1, release claim of 1"},
    {"leader exits", "admitted|admitted, over", "drop 1, tell released 1"},
    {"leader exits", "active, unchecked", "put 1 active, check logout c1"},
    {"leader exits", "active|active, idle|active, over", "put 1 ending/terminated, tell ending 1 leader, terminate c1"},
    {"leader exits", "ending/told", "put 1 ending/told"},
    {"leader exits", "ending/terminated|ending, no leader", "put 1 ending/terminated"},
    {"leader exits", "ending/forced", "put 1 ending/forced"},
    {"leader exits", "ending, no logind", "drop 1, tell ended 1 asked"},
    {"leader exits", "ending, nothing", "drop 1, tell ended 1 leader"},
    {"unknown leader exits", "*", ""},
    {"logind shows it", "*", ""},
    {"logind shows it", "waiting|waiting, due", "put 1 waiting"},
    {"logind shows it", "waiting/told", "put 1 waiting/told"},
    {"logind shows it", "asking", "put 1 asking"},
    {"logind shows it", "admitted|admitted, over", "put 1 active, offer 1, look 1"},
    {"logind shows it", "ending, no logind", "put 1 ending/told"},
    {"logind shows it", "ending, nothing", "put 2 active, tell adopted 2, look 2"},
    {"logind shows it", "denied", "put 1 denied"},
    {"logind shows it", "denied/terminated", "put 1 denied/terminated"},
    {"logind shows it", "denied/forced", "put 1 denied/forced"},
    {"logind shows it", "closed, no logind", "put 1 closed"},
    {"logind shows its leader", "*", "put 2 active, tell adopted 2, look 2"},
    {"logind shows its leader", "waiting|waiting, due", "put 1 waiting"},
    {"logind shows its leader", "waiting/told", "put 1 waiting/told"},
    {"logind shows its leader", "asking", "put 1 asking"},
    {"logind shows its leader", "admitted|admitted, over", "put 1 active, offer 1, look 1"},
    {"logind shows its leader", "ending, no logind", "put 1 ending/told"},
    {"logind shows its leader", "denied", "put 1 denied"},
    {"logind shows its leader", "denied/terminated", "put 1 denied/terminated"},
    {"logind shows its leader", "denied/forced", "put 1 denied/forced"},
    {"logind shows its leader", "closed, no logind", "put 1 closed"},
    {"logind shows its greeter", "*", ""},
    {"logind shows its greeter", "waiting|waiting, due", "put 1 waiting"},
    {"logind shows its greeter", "waiting/told", "put 1 waiting/told"},
    {"logind shows its greeter", "asking", "put 1 asking"},
    {"logind shows its greeter", "admitted|admitted, over|closed, no logind", "put 1 closed"},
    {"logind shows its greeter", "ending, no logind", "put 1 ending/told"},
    {"logind shows its greeter", "denied", "put 1 denied"},
    {"logind shows its greeter", "denied/terminated", "put 1 denied/terminated"},
    {"logind shows its greeter", "denied/forced", "put 1 denied/forced"},
    {"logind shows it closing", "*", "put 2 left behind"},
    {"logind shows it closing", "waiting|waiting, due", "put 1 waiting"},
    {"logind shows it closing", "waiting/told", "put 1 waiting/told"},
    {"logind shows it closing", "asking", "put 1 asking"},
    {"logind shows it closing", "admitted|admitted, over", "put 1 active, offer 1, look 1"},
    {"logind shows it closing", "ending, no logind", "put 1 ending/told"},
    {"logind shows it closing", "denied", "put 1 denied"},
    {"logind shows it closing", "denied/terminated", "put 1 denied/terminated"},
    {"logind shows it closing", "denied/forced", "put 1 denied/forced"},
    {"logind shows it closing", "closed, no logind", "put 1 closed"},
    {"logind shows another", "*", "put 2 active, tell adopted 2, look 2"},
    {"logind shows a dead one", "*", "put 2 ending/terminated, tell ending 2 leader, terminate c3"},
    {"logind forgets it", "*", ""},
    {"logind forgets it", "active|active, idle|active, over|active, unchecked", "drop 1, tell released 1"},
    {"logind forgets it", "ending/told|ending/terminated|ending/forced", "drop 1, tell ended 1 asked"},
    {"logind forgets it", "ending, no leader", "drop 1, tell ended 1 leader"},
    {"logind forgets it", "denied, in logind", "put 1 denied"},
    {"logind forgets it", "closed", "put 1 closed"},
    {"logind forgets it", "left behind", "drop 1"},
    {"logind forgets another", "*", ""},
    {"probed: no terminal", "*", ""},
    {"probed: no terminal", "active|active, idle|active, over", "put 1 active"},
    {"probed: no terminal", "left behind", "put 1 left behind"},
    {"probed: old input", "*", ""},
    {"probed: old input", "active", "put 1 active"},
    {"probed: old input", "left behind", "put 1 left behind"},
    {"probed: old input", "active, idle|active, over", "put 1 ending/told, tell ending 1 idle"},
    {"probed: input", "*", ""},
    {"probed: input", "active|active, idle|active, over", "put 1 active"},
    {"probed: input", "left behind", "put 1 left behind"},
    {"another probed", "*", ""},
    {"logout", "*", ""},
    {"logout", "active, unchecked", "put 1 left behind, tell released 1"},
    {"killed", "*", ""},
    {"killed", "active, unchecked", "put 1 ending/terminated, tell ending 1 leader, terminate c1"},
    {"connections checked", "*", ""},
    {"connections checked", "waiting|waiting, due|waiting/told", "put 1 admitted, admitted 77, tell admitted 1"},
    {"connections checked", "asking", "wait 77"},
    {"other connections checked", "*", ""},
    {"input", "*", ""},
    {"input", "active|active, idle|active, over|active, unchecked", "put 1 active"},
    {"input elsewhere", "*", ""},
    {"terminal opened", "*", ""},
    {"clock set", "*", ""},
    {"clock set", "admitted|admitted, over", "put 1 admitted"},
    {"clock set", "active|active, idle|active, over|active, unchecked", "put 1 active, look 1"},
    {"timer", "*", ""},
    {"timer", "waiting, due", "put 1 admitted, admitted 77, tell admitted 1"},
    {"timer", "admitted, over|active, over", "put 1 ending/told, tell ending 1 duration"},
    {"timer", "active, idle", "put 1 active, look 1"},
    {"timer", "ending/told", "put 1 ending/terminated, terminate c1"},
    {"timer", "ending/terminated", "put 1 ending/forced, kill c1, signal 1 TERM, tell forced 1 asked"},
    {"timer", "ending/forced", "put 1 ending/forced, kill c1, signal 1 KILL"},
    {"timer", "ending, no logind", "put 1 ending/terminated, signal 1 TERM with children"},
    {"timer", "ending, no leader", "put 1 ending/forced, kill c1, tell forced 1 leader"},
    {"timer", "ending, nothing", "drop 1, tell ended 1 leader"},
    {"timer", "denied", "put 1 denied/terminated, signal 1 TERM"},
    {"timer", "denied, in logind", "put 1 denied/terminated, terminate c1"},
    {"timer", "denied/terminated|denied/forced", "put 1 denied/forced, signal 1 KILL"},
    {"policy changed", "*", ""},
    {"policy changed", "active|active, idle|active, over|active, unchecked", "look 1"},
    {"policy changed", "waiting", "put 1 waiting"},
    {"policy changed", "left behind", "put 1 left behind, look 1"},
    {"policy changed", "waiting/told", "put 1 waiting/told"},
    {"policy changed", "asking", "put 1 asking, release claim of 1"},
    {"asked to end", "*", ""},
    {"asked to end", "left behind", "put 1 ending/told, tell ending 1 asked"},
    {"asked to end", "admitted|admitted, over|active|active, idle|active, over|active, unchecked",
     "put 1 ending/told, tell ending 1 asked"},
    {"another asked to end", "*", ""},
    {"groups learned", "*", "put 1 active"},
    {"groups learned", "active|active, idle|active, over|active, unchecked", "put 1 active, look 1"},
    {"groups learned", "waiting|waiting, due", "put 1 waiting"},
    {"groups learned", "waiting/told", "put 1 waiting/told"},
    {"groups learned", "asking", "put 1 asking, release claim of 1"},
    {"groups learned", "admitted|admitted, over", "put 1 admitted"},
    {"groups learned", "ending/told|ending, no logind", "put 1 ending/told"},
    {"groups learned", "ending/terminated|ending, no leader|ending, nothing", "put 1 ending/terminated"},
    {"groups learned", "ending/forced", "put 1 ending/forced"},
    {"groups learned", "denied|denied, in logind", "put 1 denied"},
    {"groups learned", "denied/terminated", "put 1 denied/terminated"},
    {"groups learned", "denied/forced", "put 1 denied/forced"},
    {"groups learned", "closed|closed, no logind", "put 1 closed"},
    {"groups learned", "left behind", "put 1 left behind, look 1"},
    {"groups of another", "*", ""},
    // The policy does not limit sessions in the fleet any longer.
    {"claim granted", "*", ""},
    {"claim granted", "asking", "put 1 admitted, admitted 77, tell admitted 1, release claim of 1"},
    {"fleet full", "*", ""},
    {"fleet full", "asking", "put 1 admitted, admitted 77, tell admitted 1, release claim of 1"},
    {"claim not answered", "*", ""},
    {"claim not answered", "asking", "put 1 admitted, admitted 77, tell admitted 1, release claim of 1"},
    {"claim of another", "*", ""},
    {"fleet up", "*", "put fleet up"},
    {"fleet down", "*", "put fleet down"},
    {"fleet down", "asking", "put fleet down, put 1 asking"},
    {"beyond limit of fleet", "*", ""},
    {"beyond limit of fleet", "asking", "put 1 asking"},
    {"another beyond limit of fleet", "*", ""},
    {"ended in fleet", "*", "end 0 for order 5"},
    {"ended in fleet", "admitted|admitted, over|active|active, idle|active, over|active, unchecked|left behind",
     "put 1 ending/told, tell ending 1 asked, end 1 for order 5"},
};

bool is_listed(std::string_view list, std::string_view name) {
    return ("|" + std::string(list) + "|").find("|" + std::string(name) + "|") != std::string::npos;
}

std::string_view expected(std::string_view setup, std::string_view event) {
    std::string_view of_all = "no line for this event";
    for (const Pair& pair : pairs) {
        if (pair.event == event && is_listed(pair.setups, setup)) {
            return pair.decision;
        }
        of_all = pair.event == event && pair.setups == "*" ? pair.decision : of_all;
    }
    return of_all;
}

World world_with(const Session& session) {
    World world(rules);
    world.state.put(session);
    if (session.fleet_claim != FleetClaim::none) {
        world.claims.insert(session.key);
    }
    return world;
}

SESSLIMIT_TEST(every_event_in_every_state_decided_as_listed) {
    for (const Setup& setup : setups) {
        for (const Happening& happening : happenings) {
            World world = world_with(setup.session);
            const std::string about = std::string(setup.name) + ": " + std::string(happening.name) + ": ";
            const std::string is = about + told(world.feed(happening.event));
            EXPECT_TEXT(is, about + std::string(expected(setup.name, happening.name)));
            EXPECT_TEXT(about + world.fault, about);
        }
    }
}

SESSLIMIT_TEST(every_state_restored_as_listed) {
    struct Case {
        std::string_view setup;
        std::string_view decision;
    };
    constexpr Case cases[] = {
        {"waiting", "drop 1"},
        {"waiting, due", "drop 1"},
        {"waiting/told", "drop 1"},
        {"asking", "drop 1"},
        {"admitted", "put 1 admitted"},
        {"admitted, over", "put 1 admitted"},
        {"active", "put 1 active, look 1"},
        {"active, idle", "put 1 active, look 1"},
        {"active, over", "put 1 active, look 1"},
        {"active, unchecked", "put 1 active, look 1"},
        {"ending/told", "put 1 ending/told"},
        {"ending/terminated", "put 1 ending/terminated"},
        {"ending/forced", "put 1 ending/forced"},
        {"ending, no logind", "put 1 ending/told"},
        {"ending, no leader", "put 1 ending/terminated"},
        {"ending, nothing", "put 1 ending/terminated"},
        {"denied", "put 1 denied"},
        {"denied/terminated", "put 1 denied/terminated"},
        {"denied/forced", "put 1 denied/forced"},
        {"denied, in logind", "put 1 denied"},
        {"closed", "put 1 closed"},
        {"closed, no logind", "put 1 closed"},
        {"left behind", "put 1 left behind, look 1"},
    };
    EXPECT(std::size(cases) == std::size(setups), "all of them");
    for (std::size_t at = 0; at < std::size(cases); ++at) {
        World world(rules);
        EXPECT_TEXT(cases[at].setup, setups[at].name);
        const std::string about = std::string(cases[at].setup) + ": ";
        EXPECT_TEXT(about + told(world.feed(SessionRestored{setups[at].session})),
                    about + std::string(cases[at].decision));
        EXPECT_TEXT(about + world.fault, about);
    }
}

/// After any event the timer has little to do at any one time. Once all leaders, logind sessions and requests are gone,
/// no session remains.
SESSLIMIT_TEST(every_event_in_every_state_comes_to_rest) {
    for (const Setup& setup : setups) {
        for (const Happening& happening : happenings) {
            World world = world_with(setup.session);
            world.feed(happening.event);
            const std::string about = std::string(setup.name) + ", " + std::string(happening.name);
            int rings = 0;
            while (world.state.next_due() != nullptr && world.state.next_due()->due <= world.now && rings < 20) {
                world.feed(TimerExpired{});
                ++rings;
            }
            EXPECT(rings <= 5, about);
            for (const std::uint64_t request : {77U, 88U}) {
                world.feed(RequestAborted{RequestId{request}});
            }
            for (const auto& [key, session] : State::Sessions(world.state.sessions())) {
                world.feed(LeaderExited{key});
            }
            for (const char* id : {"c1", "c2", "c3"}) {
                world.feed(LogindSessionRemoved{id});
            }
            world.pass(1min);
            EXPECT(world.state.sessions().empty(), about);
            EXPECT_TEXT(world.fault, "");
        }
    }
}

} // namespace
