// SPDX-License-Identifier: MIT
// Claims of the agent that etcd executes after their sessions have ended, and sessions that are announced again.
#include "tests/unit/fleet/agent_bench.hpp"

namespace sesslimit::fleet {
namespace {

using namespace sesslimit::fleet::test;
using Bench = AgentBench;

SESSLIMIT_TEST(a_claim_that_is_executed_after_its_session_has_ended_is_undone_soon) {
    Bench bench;
    bench.start();
    bench.pass(seconds(30));
    bench.ask(1);
    const Call late = bench.calls.front().second;
    bench.answers = false;
    bench.settle();
    bench.answers = true;
    bench.agent.release(bench.now, 1);
    bench.settle();
    (void)bench.store->execute(bench.now, late);
    EXPECT(bench.store->count(keys.slots("alice")) == 1, "the late claim has occupied a slot");
    bench.pass(Agent::late_claim + seconds(1));
    EXPECT(bench.store->count(keys.slots("alice")) == 0, "released before the next comparison of the minute");
}

SESSLIMIT_TEST(a_late_claim_is_undone_soon_even_if_its_session_ends_during_a_comparison) {
    Bench bench;
    bench.start();
    bench.ask(1);
    const auto [id, late] = bench.take_call();
    bench.agent.on_reply(bench.now, id, CallFailure{CallFailure::Kind::unavailable, "no reply"});
    bench.agent.release(bench.now, 1);
    // The comparison starts, and reads the records before the late claim is executed.
    bench.agent.end_list(bench.now);
    bench.settle();
    (void)bench.store->execute(bench.now, late);
    bench.pass(Agent::late_claim + seconds(1));
    EXPECT(bench.store->count(keys.slots("alice")) == 0, "released before the next comparison of the minute");
}

SESSLIMIT_TEST(a_late_claim_is_undone_soon_after_an_earlier_one) {
    Bench bench;
    bench.start();
    bench.pass(seconds(30));
    Call late;
    for (const std::uint64_t key : {std::uint64_t{1}, std::uint64_t{2}}) {
        bench.ask(key);
        late = bench.calls.front().second;
        bench.answers = false;
        bench.settle();
        bench.answers = true;
        bench.agent.release(bench.now, key);
        bench.settle();
        bench.pass(Agent::late_claim - seconds(1));
    }
    // The comparison that follows the first session has ended.
    (void)bench.store->execute(bench.now, late);
    EXPECT(bench.store->count(keys.slots("alice")) == 1, "the late claim has occupied a slot");
    bench.pass(seconds(2));
    EXPECT(bench.store->count(keys.slots("alice")) == 0, "released before the next comparison of the minute");
}

SESSLIMIT_TEST(a_denied_claim_whose_first_attempt_is_executed_late_is_undone_soon) {
    Bench bench;
    bench.start();
    bench.pass(seconds(30));
    const Session other{.key = 1, .limit = 1, .record = {.user = "alice"}};
    bench.agent.claim(bench.now, other);
    bench.settle();
    bench.ask(2);
    const auto [id, late] = bench.take_call();
    const CallResult result = bench.store->execute(bench.now, late);
    bench.agent.on_reply(bench.now, id, result, true); // the answer of the second node
    EXPECT_TEXT(bench.take_log(), "up, 1 granted, 2 full, ");
    bench.agent.release(bench.now, 1);
    bench.settle();
    (void)bench.store->execute(bench.now, late);
    EXPECT(bench.store->count(keys.slots("alice")) == 1, "the late claim has occupied a slot");
    bench.pass(Agent::late_claim + seconds(1));
    EXPECT(bench.store->count(keys.slots("alice")) == 0, "released before the next comparison of the minute");
}

SESSLIMIT_TEST(a_claim_waits_for_the_release_of_a_session_on_the_same_host) {
    Bench bench;
    bench.start();
    bench.claim(1);
    bench.agent.release(bench.now, 1);
    bench.ask(2);
    bench.settle_newest_first();
    EXPECT_TEXT(bench.take_log(), "up, 1 granted, ");
    bench.pass(seconds(1));
    EXPECT_TEXT(bench.take_log(), "2 granted, ");
}

SESSLIMIT_TEST(a_claim_is_repeated_if_the_reply_to_a_later_release_arrives_first) {
    Bench bench;
    bench.start();
    bench.claim(1);
    bench.ask(2);
    const auto [id, claim] = bench.take_call();
    const CallResult result = bench.store->execute(bench.now, claim);
    bench.agent.release(bench.now, 1);
    bench.settle();
    bench.agent.on_reply(bench.now, id, result);
    bench.pass(seconds(1));
    EXPECT_TEXT(bench.take_log(), "up, 1 granted, 2 granted, ");
}

SESSLIMIT_TEST(a_claim_before_the_end_of_the_list_waits_for_the_sessions_that_have_ended) {
    Bench bench;
    bench.start();
    bench.claim(1);
    bench.agent.begin_list();
    bench.claim(2);
    bench.agent.end_list(bench.now);
    bench.pass(seconds(1));
    EXPECT_TEXT(bench.take_log(), "up, 1 granted, 2 granted, ");
}

SESSLIMIT_TEST(a_claim_waits_for_the_releases_of_the_first_comparison) {
    Bench before;
    before.start();
    before.claim(1);
    Bench bench(before, "boot1", "machine1"); // the process has restarted, and the session has ended
    bench.agent.start(bench.now);
    bench.agent.begin_list();
    bench.ask(2);
    bench.agent.end_list(bench.now);
    bench.settle_newest_first();
    bench.pass(seconds(1));
    EXPECT_TEXT(bench.take_log(), "up, 2 granted, ");
}

SESSLIMIT_TEST(a_claim_is_denied_in_time_if_a_release_has_no_reply) {
    Bench bench;
    bench.start();
    bench.claim(1, 2);
    bench.claim(2, 2);
    bench.agent.release(bench.now, 1);
    const auto release = bench.take_call();
    bench.claim(3, 1); // the policy has changed
    bench.agent.on_time(bench.now = bench.agent.deadline());
    const auto repeated = bench.take_call();
    bench.pass(Agent::answer_timeout);
    EXPECT_TEXT(bench.take_log(), "up, 1 granted, 2 granted, 3 full, ");
    bench.run(release);
    bench.agent.release(bench.now, 2);
    bench.settle();
    bench.run(repeated);
    bench.settle();
    EXPECT(bench.store->count(keys.slots("alice")) == 0, "the slot of the repeated claim is released at once");
}

SESSLIMIT_TEST(a_failed_call_of_another_session_is_no_outage_for_a_claim_that_waits) {
    for (const bool is_own : {false, true}) {
        Bench bench;
        bench.start();
        bench.claim(1);
        bench.agent.release(bench.now, 1);
        (void)bench.take_call(); // the release has no reply
        bench.claim(2);
        while (bench.calls.empty()) {
            bench.agent.on_time(bench.now = bench.agent.deadline());
        }
        const auto repeated = bench.take_call();
        bench.ask(3, 1, "bob");
        const auto other = bench.take_call();
        bench.now += Agent::answer_timeout - milliseconds(200);
        bench.agent.on_reply(bench.now, (is_own ? repeated : other).first,
                             CallFailure{CallFailure::Kind::unavailable, "no reply"});
        bench.agent.on_time(bench.now += milliseconds(199));
        EXPECT_TEXT(bench.take_log(),
                    is_own ? "up, 1 granted, down: no reply, 2 unknown, 3 unknown, " : "up, 1 granted, 2 full, ");
    }
}

SESSLIMIT_TEST(a_claim_that_waited_is_not_denied_after_the_lease_was_lost) {
    Bench bench;
    bench.start();
    bench.claim(1);
    bench.agent.release(bench.now, 1);
    (void)bench.take_call(); // the release is lost
    bench.claim(2);
    (void)bench.store->execute(bench.now, RevokeLease{bench.agent.lease()}); // which frees the slot
    bench.agent.on_time(bench.now = bench.agent.deadline());
    bench.run(bench.take_call());
    bench.agent.on_time(bench.now = bench.agent.deadline());
    EXPECT(bench.calls.size() == 1, "the host joins again, but has no reply");
    bench.agent.on_time(bench.now += Agent::answer_timeout);
    EXPECT_TEXT(bench.take_log(), "up, 1 granted, down: the lease of the host has expired, 2 unknown, ");
}

SESSLIMIT_TEST(a_claim_after_a_denial_that_was_not_received_is_not_denied_without_a_reply) {
    Bench bench;
    bench.start();
    bench.claim(1);
    bench.agent.release(bench.now, 1);
    (void)bench.take_call(); // the release has no reply
    bench.claim(2);
    bench.agent.on_time(bench.now = bench.agent.deadline());
    (void)bench.take_call(); // the repeated claim has none
    bench.pass(Agent::answer_timeout);
    EXPECT_TEXT(bench.take_log(), "up, 1 granted, 2 full, ");
    bench.agent.begin_list();
    bench.ask(2);
    bench.agent.end_list(bench.now);
    bench.pass(Agent::answer_timeout);
    EXPECT_TEXT(bench.take_log(), "2 unknown, ");
}

SESSLIMIT_TEST(a_claim_waits_for_many_releases_of_the_first_comparison) {
    constexpr std::uint32_t count = 100; // more than Agent::max_calls
    Bench before;
    before.start();
    for (std::uint32_t key = 1; key <= count; ++key) {
        before.claim(key, count);
    }
    Bench bench(before, "boot1", "machine1"); // the process has restarted, and the sessions have ended
    bench.agent.start(bench.now);
    bench.agent.begin_list();
    bench.ask(count + 1);
    bench.agent.end_list(bench.now);
    bench.settle();
    bench.pass(seconds(1));
    EXPECT_TEXT(bench.take_log(), "up, 101 granted, ");
}

SESSLIMIT_TEST(a_claim_that_is_repeated_after_the_clock_was_set_is_released_completely) {
    for (const bool ends_during_claim : {false, true}) {
        Bench before;
        before.start();
        before.claim(1);
        Bench bench(before, "boot1", "machine1"); // the process has restarted
        bench.agent.start(bench.now);
        bench.agent.begin_list();
        bench.agent.claim(bench.now, {.key = 1, .limit = 1, .record = {.user = "alice", .since = 3600}});
        bench.agent.end_list(bench.now);
        while (!Bench::is_put_call(bench.calls.front().second)) {
            bench.run(bench.take_call());
        }
        if (!ends_during_claim) {
            bench.settle();
        }
        bench.agent.release(bench.now, 1);
        bench.settle();
        EXPECT(bench.store->count(keys.slots("alice")) == 0, "the slot is free at once");
    }
}

SESSLIMIT_TEST(a_session_that_is_announced_during_its_release_is_recorded_afterwards) {
    const Session session{.key = 1, .limit = 1, .record = {.user = "alice"}};
    struct Case {
        const char* name;
        const char*
            steps; ///< C: claimed. L: in a list. E: a list without the session. R: released. N: the store stops.
        const char* log;
        std::size_t slots;
    };
    const Case cases[] = {
        {"claimed", "C", "1 granted, ", 1},
        {"claimed twice", "CC", "1 granted, ", 1},
        {"in a list", "L", "", 1},
        {"claimed, and in the list of the next connection", "CL", "", 1},
        {"in a list, and claimed", "LC", "1 granted, ", 1},
        {"claimed, and released again", "CR", "", 0},
        {"in a list, and released again", "LR", "", 0},
        {"claimed, and not in the list of the next connection", "CE", "", 0},
        {"claimed without a store", "NC", "down: no reply, 1 unknown, up, ", 1},
        {"in a list without a store", "NL", "down: no reply, up, ", 1},
    };
    for (const Case& one : cases) {
        Bench bench;
        bench.start();
        bench.claim(1);
        bench.take_log();
        bench.agent.release(bench.now, 1);
        for (const char* step = one.steps; *step != '\0'; ++step) {
            if (*step == 'C') {
                bench.agent.claim(bench.now, session);
            } else if (*step == 'R') {
                bench.agent.release(bench.now, 1);
            } else if (*step == 'N') {
                bench.answers = false;
            } else {
                bench.agent.begin_list();
                if (*step == 'L') {
                    bench.agent.add_listed(session);
                }
                bench.agent.end_list(bench.now);
            }
        }
        bench.settle();
        bench.pass(bench.answers ? milliseconds(500) : seconds(4));
        bench.answers = true;
        bench.pass(seconds(3));
        const std::string log = bench.take_log();
        EXPECT(log == one.log, std::string(one.name) + ": " + log);
        EXPECT(bench.store->count(keys.slots("alice")) == one.slots, one.name);
        EXPECT(bench.store->count(keys.sessions()) == one.slots, one.name);
    }
}

} // namespace
} // namespace sesslimit::fleet
