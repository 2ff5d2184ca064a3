// SPDX-License-Identifier: MIT
#include "daemon/engine.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

#include <ctime>
#include <utility>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace sesslimit::core;

std::string number(SessionKey key) {
    return std::to_string(std::to_underlying(key) - 100'000'000'000);
}

/// Recorder and effect handler that log each call in order.
struct Scribe final : Recorder, EffectHandler {
    std::string log;
    std::string log_at_check;
    BootTime now = start;
    BootTime armed = never;
    int arms = 0;
    EventQueue* events = nullptr;
    bool leaders_are_dead = false;
    std::optional<Duration> stamp = Duration(1'699'999'990s); // older than any session

    void say(const std::string& what) { log += (log.empty() ? "" : ", ") + what; }
    std::string take() { return std::exchange(log, {}); }

    void put(const Session& session) override {
        say("record " + number(session.key) + " " + std::string(name_of(session.phase)));
    }
    void drop(SessionKey key) override { say("forget " + number(key)); }
    void check() override { log_at_check = log; }
    void answer(const Answer& answer, const State& state) override {
        say(std::string(name_of(answer.kind)) + " with " + std::to_string(state.sessions().size()) + " there");
    }
    void notify(const Notice& notice) override { say("tell " + std::string(name_of(notice.kind))); }
    void terminate(const Session& session) override { say("terminate " + session.logind_id); }
    void kill_scope(const std::string& scope, int signal) override {
        say("kill " + scope + " " + std::to_string(signal));
    }
    void preserve_and_terminate(const Session& session, const std::vector<std::string>& keep) override {
        say("preserve " + keep.at(0) + " of " + number(session.key));
    }
    void offer_missed_reason(const Session& session) override { say("offer " + number(session.key)); }
    void lock_screen(const std::string& id) override { say("lock " + id); }
    void kill_all(const std::string& id) override { say("kill " + id); }
    void signal_leader(const core::SignalLeader& what) override {
        say("signal " + number(what.session) + " " + std::to_string(what.signal));
    }
    void report_missing_logind(const Session& session) override { say("report missing logind " + number(session.key)); }
    std::optional<ActivityProbed> probe_activity(const Session& session) override {
        say("look " + number(session.key));
        core::ActivitySample sample;
        sample.wall_offset = 1'700'000'000s - start.time_since_epoch();
        sample.input = stamp;
        return ActivityProbed{.session = session.key, .sample = sample};
    }
    void sample_traffic(const Session& session) override { say("sample " + number(session.key)); }
    Duration unacknowledged(const Session& session) override {
        say("check connection " + number(session.key));
        return {};
    }
    void report_denial(const core::ReportDenial& what) override { say("report denial to " + number(what.session.key)); }
    void check_logout(const core::CheckLogout& what) override { say("check logout " + what.logind_id); }
    void claim_fleet_slot(const Session& session, bool enforced) override {
        say((enforced ? "claim " : "record in fleet ") + number(session.key));
    }
    void list_in_fleet(const Session& session) override { say("list in fleet " + number(session.key)); }
    void release_fleet_slot(SessionKey key) override { say("release claim of " + number(key)); }
    void report_fleet_termination(const core::ReportFleetTermination& what) override {
        say("terminate " + std::to_string(what.count) + " for order " + std::to_string(what.order));
    }
    void track(const Session& session) override {
        say("follow " + number(session.key));
        if (leaders_are_dead && session.leader.pid != 0) {
            events->handle(LeaderExited{session.key}); // reported from within an effect
            say("heard");
        }
    }
    void untrack(SessionKey key) override { say("let go " + number(key)); }
    void arm(BootTime deadline) override {
        armed = deadline;
        ++arms;
    }
};

struct Bench {
    Scribe scribe;
    EventQueue events;
    Engine engine{events, scribe, scribe, [this] { return scribe.now; }};

    explicit Bench(const Rules& rules = {}) {
        scribe.events = &events;
        engine.set_policy(std::make_shared<const policy::Policy>(policy_of(rules)));
    }
    void open(std::uint64_t request, pid_t pid) {
        events.handle(OpenRequested{RequestId{request}, ssh(), {pid, 1}, 2s});
    }
    void show(const std::string& id, pid_t pid) {
        events.handle(LogindSessionNew{{.id = id,
                                        .scope = "session-" + id + ".scope",
                                        .session_class = "user",
                                        .closing = false,
                                        .leader = {pid, 1},
                                        .opened = scribe.now,
                                        .login = ssh()}});
    }
};

SESSLIMIT_TEST(decision_records_then_tracks_then_answers_then_runs_effects) {
    Bench bench({.max = 1});
    bench.open(1, 50);
    EXPECT_TEXT(bench.scribe.log_at_check, "record 0 admitted, follow 0, admitted with 1 there, tell admitted");
    EXPECT_TEXT(bench.scribe.take(), "record 0 admitted, follow 0, admitted with 1 there, tell admitted");
    bench.open(2, 51);
    EXPECT_TEXT(bench.scribe.take(), "record 1 denied, follow 1, denied with 2 there, tell denied");
    bench.events.handle(CloseRequested{RequestId{3}, SessionKey::none, {50, 1}});
    EXPECT_TEXT(bench.scribe.take(), "record 0 closed, follow 0, noted with 2 there, tell released");
    bench.events.handle(LeaderExited{bench.engine.state().sessions().begin()->first});
    EXPECT_TEXT(bench.scribe.take(), "forget 0, let go 0");
}

SESSLIMIT_TEST(event_from_within_effect_handled_afterwards) {
    Bench bench;
    bench.scribe.leaders_are_dead = true;
    bench.open(1, 50);
    EXPECT_TEXT(bench.scribe.take(), "record 0 admitted, follow 0, heard, admitted with 1 there, tell admitted, "
                                     "forget 0, tell released, let go 0");
    EXPECT(bench.engine.state().sessions().empty(), "gone");
}

SESSLIMIT_TEST(probe_result_handled_as_event) {
    Bench bench({.idle = 1min});
    bench.open(1, 50);
    bench.show("c1", 50);
    EXPECT_TEXT(bench.scribe.take(), "record 0 admitted, follow 0, admitted with 1 there, tell admitted, "
                                     "record 0 active, follow 0, offer 0, look 0, record 0 active, follow 0");
    EXPECT(bench.scribe.armed == bench.engine.state().next_due()->due, "armed for its deadline");
    bench.scribe.now = bench.scribe.armed;
    bench.events.handle(TimerExpired{});
    EXPECT_TEXT(bench.scribe.take(), "record 0 active, follow 0, look 0, record 0 ending, follow 0, tell ending");
}

SESSLIMIT_TEST(warned_session_tracked_before_warning_is_sent) {
    Bench bench({.idle = 1min, .warn = std::vector<Duration>{30s}});
    bench.open(1, 50);
    bench.show("c1", 50);
    (void)bench.scribe.take();
    bench.scribe.now = bench.scribe.armed;
    bench.events.handle(TimerExpired{});
    EXPECT_TEXT(bench.scribe.take(), "record 0 active, follow 0, look 0, record 0 active, follow 0, tell warned");
}

SESSLIMIT_TEST(timer_armed_for_earliest_deadline) {
    Bench bench({.duration = 1h});
    EXPECT(bench.scribe.armed == never, "nothing to do");
    bench.open(1, 50);
    bench.show("c1", 50);
    bench.scribe.now += 10min;
    bench.open(2, 51);
    bench.show("c2", 51);
    EXPECT(bench.scribe.armed == start + 1h, "the first one's");
    bench.events.handle(CloseRequested{RequestId{3}, SessionKey::none, {50, 1}});
    EXPECT(bench.scribe.armed == start + 70min, "the other one's");
    bench.events.handle(CloseRequested{RequestId{4}, SessionKey::none, {51, 1}});
    EXPECT(bench.scribe.armed == never, "nothing to do again");
}

/// Effect handlers and monitors are created before the engine, and may already report events.
SESSLIMIT_TEST(event_before_engine_exists_waits_for_next_event) {
    Scribe scribe;
    EventQueue events;
    events.handle(OpenRequested{RequestId{1}, ssh(), {50, 1}, 2s});
    {
        const Engine engine(events, scribe, scribe, [] { return start; });
        EXPECT_TEXT(scribe.take(), "");
        events.handle(OpenRequested{RequestId{2}, ssh(), {51, 1}, 2s});
        EXPECT(engine.state().sessions().size() == 2, "both");
    }
    (void)scribe.take();
    events.handle(OpenRequested{RequestId{3}, ssh(), {52, 1}, 2s});
    EXPECT_TEXT(scribe.take(), "");
}

SESSLIMIT_TEST(early_timer_expiration_rearms) {
    Bench bench({.duration = 1h});
    bench.open(1, 50);
    bench.show("c1", 50);
    const int arms = bench.scribe.arms;
    (void)bench.scribe.take();
    bench.events.handle(TimerExpired{});
    EXPECT_TEXT(bench.scribe.take(), "");
    EXPECT(bench.scribe.arms > arms && bench.scribe.armed == start + 1h, "armed");
}

SESSLIMIT_TEST(many_due_sessions_handled_in_batches) {
    Bench bench({.duration = 1h});
    for (pid_t pid = 1; pid <= 300; ++pid) {
        bench.open(static_cast<std::uint64_t>(pid), pid);
        bench.show("c" + std::to_string(pid), pid);
    }
    bench.scribe.now += 1h;
    const auto ending = [&bench] {
        std::size_t count = 0;
        for (const auto& [key, session] : bench.engine.state().sessions()) {
            count += session.phase == Phase::ending ? 1U : 0U;
        }
        return count;
    };
    int portions = 0;
    std::size_t before = 0;
    while (bench.scribe.armed <= bench.scribe.now && portions < 100) {
        bench.events.handle(TimerExpired{});
        ++portions;
        EXPECT(ending() - before <= 64, std::to_string(ending()));
        before = ending();
    }
    EXPECT(ending() == 300 && portions == 5, std::to_string(portions));
}

SESSLIMIT_TEST(reconcile_drops_sessions_unknown_to_logind) {
    Bench bench;
    for (const pid_t pid : {50, 51, 52}) {
        bench.open(static_cast<std::uint64_t>(pid), pid);
    }
    bench.show("c50", 50);
    bench.show("c51", 51);
    (void)bench.scribe.take();
    bench.engine.reconcile({"c51", "c99"});
    EXPECT_TEXT(bench.scribe.take(), "forget 0, tell released, let go 0");
    EXPECT(bench.engine.state().sessions().size() == 2, "51, and 52 that logind never had");
    bench.engine.reconcile({});
    EXPECT(bench.engine.state().sessions().size() == 1, "52");
}

SESSLIMIT_TEST(reconcile_with_many_sessions_not_quadratic) {
    Bench bench;
    std::vector<std::string> ids;
    for (pid_t pid = 1; pid <= 20'000; ++pid) {
        Session session = session_in(Phase::active, key(static_cast<std::uint64_t>(pid)));
        session.logind_id = "c" + std::to_string(pid);
        session.leader = {pid, 1};
        ids.push_back(session.logind_id);
        bench.events.handle(SessionRestored{session});
    }
    (void)bench.scribe.take();
    const std::clock_t before = std::clock();
    bench.engine.reconcile(ids);
    const auto spent = (std::clock() - before) * 1000 / CLOCKS_PER_SEC;
    EXPECT(bench.engine.state().sessions().size() == 20'000, "all sessions remain");
    EXPECT(spent < 500, std::to_string(spent) + " ms"); // 200 million comparisons would take longer
}

SESSLIMIT_TEST(sessions_of_ledger_restored) {
    Bench bench({.max = 1});
    Session waiting = session_in(Phase::waiting, key(7));
    Session open = session_in(Phase::active, key(5));
    open.graphical = true; // its client is not checked, and the denial is not reported in it
    open.login.connection.clear();
    bench.events.handle(SessionRestored{open});
    bench.events.handle(SessionRestored{waiting});
    EXPECT(bench.engine.state().find(key(5)) != nullptr && bench.engine.state().find(key(7)) == nullptr, "5 but not 7");
    (void)bench.scribe.take();
    bench.open(1, 51);
    EXPECT_TEXT(bench.scribe.take(), "record 0 denied, follow 0, denied with 2 there, tell denied");
}

SESSLIMIT_TEST(probes_of_restored_sessions_postponed) {
    Bench bench({.idle = 1h});
    bench.engine.postpone_probes();
    bench.events.handle(SessionRestored{session_in(Phase::active, key(100'000'000'005))});
    EXPECT_TEXT(bench.scribe.take(), "record 5 active, follow 5");
    bench.engine.start_probes();
    EXPECT_TEXT(bench.scribe.take(), "look 5, record 5 active, follow 5");
    bench.events.handle(ClockChanged{});
    EXPECT_TEXT(bench.scribe.take(), "look 5, record 5 active, follow 5");
}

SESSLIMIT_TEST(connections_checked_before_denial) {
    Bench bench({.max = 1});
    bench.events.handle(SessionRestored{session_in(Phase::active, key(5))});
    (void)bench.scribe.take();
    bench.open(1, 51);
    const std::string log = bench.scribe.take();
    const std::size_t check = log.find("check connection ");
    const std::size_t denied = log.find("denied with 2 there, tell denied, report denial to ");
    EXPECT(check != std::string::npos && denied != std::string::npos && check < denied, log);
}

SESSLIMIT_TEST(new_policy_applies_to_open_sessions) {
    Bench bench;
    bench.open(1, 50);
    bench.show("c1", 50);
    EXPECT(bench.scribe.armed == never, "no limit");
    bench.engine.set_policy(std::make_shared<const policy::Policy>(policy_of({.duration = 1h})));
    EXPECT(bench.scribe.armed == start + 1h, "a limit");
}

} // namespace
