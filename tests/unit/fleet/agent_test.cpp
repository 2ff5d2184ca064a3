// SPDX-License-Identifier: MIT
// Single decisions of the agent. tests/fleet_model runs fleets of agents with faults.
#include "tests/unit/fleet/agent_bench.hpp"

namespace sesslimit::fleet {
namespace {

using namespace sesslimit::fleet::test;
using Bench = AgentBench;

SESSLIMIT_TEST(a_host_joins_and_admits_up_to_the_limit) {
    Bench bench;
    bench.start();
    EXPECT_TEXT(bench.take_log(), "up, ");
    bench.claim(1);
    bench.claim(2);
    EXPECT_TEXT(bench.take_log(), "1 granted, 2 full, ");
    bench.agent.release(bench.now, 1);
    bench.settle();
    bench.claim(3);
    EXPECT_TEXT(bench.take_log(), "3 granted, ");
}

SESSLIMIT_TEST(a_quiet_host_sends_keep_alives_and_one_comparison_a_minute) {
    Bench bench;
    bench.start();
    std::size_t calls = 0;
    for (const BootTime end = bench.now + std::chrono::minutes(10); bench.now < end;) {
        bench.now = bench.agent.deadline();
        bench.agent.on_time(bench.now);
        while (!bench.calls.empty()) {
            const auto [id, call] = bench.take_call();
            ++calls;
            bench.agent.on_reply(bench.now, id, bench.store->execute(bench.now, call));
        }
    }
    EXPECT(calls >= 79 && calls <= 81,
           std::to_string(calls)); // 6 keep-alives, one read of the records and of the lease
    EXPECT_TEXT(bench.take_log(), "up, ");
}

SESSLIMIT_TEST(a_store_that_does_not_answer_is_called_less_often) {
    Bench bench;
    bench.start();
    bench.answers = false;
    bench.pass(std::chrono::minutes(1));
    EXPECT_TEXT(bench.take_log(), "up, down: no reply, ");
    std::size_t calls = 0;
    for (const BootTime end = bench.now + std::chrono::minutes(1); bench.now < end; ++calls) {
        bench.pass(bench.agent.deadline() - bench.now);
    }
    EXPECT(calls >= 9 && calls <= 15, std::to_string(calls)); // every 4 to 6 s, and 0.3 s for each
    bench.answers = true;
    bench.pass(seconds(7));
    EXPECT_TEXT(bench.take_log(), "down: the lease of the host has expired, up, ");
}

SESSLIMIT_TEST(without_a_store_the_first_login_waits_and_the_next_does_not) {
    Bench bench;
    bench.start();
    bench.answers = false;
    bench.claim(1);
    bench.pass(seconds(4));
    EXPECT(bench.log.find("1 unknown, ") != std::string::npos && bench.log.find("down: no reply") != std::string::npos,
           bench.log);
    bench.take_log();
    const BootTime asked = bench.now;
    bench.claim(2);
    EXPECT_TEXT(bench.take_log(), "2 unknown, ");
    EXPECT(bench.now == asked, "at once");
    bench.answers = true;
    bench.pass(seconds(3));
    // Both are recorded, because the host has admitted them. The fleet is up afterwards.
    EXPECT_TEXT(bench.take_log(), "2 over the limit, up, ");
    EXPECT(bench.store->count(keys.slots("alice")) == 2, "recorded");
}

SESSLIMIT_TEST(a_restarted_agent_keeps_the_lease_and_the_slots) {
    Bench bench;
    bench.start();
    bench.claim(1);
    const std::int64_t lease = bench.agent.lease();
    Bench next(bench, "boot1", "machine1");
    next.agent.start(next.now);
    next.pass(seconds(2));
    EXPECT_TEXT(next.take_log(), ""); // the daemon has not listed its sessions
    EXPECT(next.store->count(keys.slots("alice")) == 1, "nothing is freed");
    next.agent.begin_list();
    next.agent.add_listed({.key = 1, .limit = 1, .record = {.user = "alice"}});
    next.agent.end_list(next.now);
    next.pass(seconds(2));
    EXPECT_TEXT(next.take_log(), "up, ");
    EXPECT(next.agent.lease() == lease && next.store->count(keys.slots("alice")) == 1, "the same lease");
    next.agent.begin_list();
    next.agent.end_list(next.now);
    next.pass(seconds(2));
    EXPECT(next.store->count(keys.slots("alice")) == 0, "released, because the session is not in the list");
}

SESSLIMIT_TEST(a_restarted_agent_frees_a_slot_at_once_although_the_clock_was_set) {
    Bench bench;
    bench.start();
    bench.claim(1);
    Bench next(bench, "boot1", "machine1");
    next.agent.start(next.now);
    next.agent.begin_list();
    next.agent.add_listed({.key = 1, .limit = 1, .record = {.user = "alice", .since = 3600}});
    next.agent.end_list(next.now);
    next.pass(seconds(2));
    next.agent.release(next.now, 1);
    next.settle();
    EXPECT(next.store->count(keys.slots("alice")) == 0, "free");
}

SESSLIMIT_TEST(a_reboot_revokes_the_lease_of_the_earlier_boot) {
    Bench bench;
    bench.start();
    bench.claim(1);
    Bench next(bench, "boot2", "machine1");
    next.start();
    EXPECT_TEXT(next.take_log(), "up, ");
    EXPECT(next.store->count(keys.slots("alice")) == 0, "the sessions of the earlier boot have no slots");
}

SESSLIMIT_TEST(another_machine_with_the_same_name_is_rejected) {
    Bench bench;
    bench.start();
    bench.claim(1);
    Bench other(bench, "boot1", "machine2");
    other.start();
    other.claim(2);
    EXPECT_TEXT(other.take_log(), "down: the host name me is used by the machine machine1, 2 unknown, ");
    EXPECT(other.store->count(keys.slots("alice")) == 1, "the first machine keeps its slots");
}

SESSLIMIT_TEST(a_lost_lease_is_replaced_and_sessions_are_recorded_before_a_login_is_admitted) {
    Bench bench;
    bench.start();
    bench.claim(9);
    bench.take_log();
    (void)bench.store->execute(bench.now, RevokeLease{bench.agent.lease()});
    bench.claim(2, 1); // the store reports that the lease does not exist
    bench.pass(seconds(2));
    EXPECT_TEXT(bench.take_log(), "down: the lease of the host has expired, 1 repaired, up, 2 full, ");
    bench.agent.leave(bench.now, "a test");
    bench.settle();
    EXPECT(bench.store->keys().empty() && bench.agent.lease() == 0, "a host that leaves deletes its records");
}

SESSLIMIT_TEST(a_host_that_has_left_stays_out_and_answers_claims_at_once) {
    Bench bench;
    bench.start();
    bench.claim(9, 3);
    bench.claim(8, 3);
    EXPECT(bench.agent.recorded() == 2, "two sessions");
    bench.take_log();
    bench.answers = false;
    bench.ask(1, 3);
    bench.agent.release(bench.now, 8);
    bench.agent.leave(bench.now, "drained");
    EXPECT_TEXT(bench.take_log(), "down: drained, 1 unknown, ");
    bench.pass(seconds(10)); // etcd does not answer
    bench.answers = true;
    bench.pass(seconds(2));
    EXPECT(bench.store->keys().empty() && bench.agent.lease() == 0 && bench.agent.recorded() == 0, "no records");
    bench.claim(2);
    bench.agent.release(bench.now, 9);
    bench.agent.describe_policy(bench.now, "other");
    bench.agent.begin_list();
    bench.agent.add_listed({.key = 3, .limit = 3, .record = {.user = "alice"}});
    bench.agent.end_list(bench.now);
    bench.settle();
    EXPECT_TEXT(bench.take_log(), "2 unknown, ");
    EXPECT(bench.agent.deadline() == never, "no call follows");
    bench.pass(std::chrono::minutes(5));
    EXPECT(bench.store->keys().empty() && bench.take_log().empty(), "it does not join again");
}

/// A claim that etcd has rejected because its lease is gone must not make the host join again.
SESSLIMIT_TEST(a_late_reply_does_not_let_a_host_that_has_left_join_again) {
    Bench bench;
    bench.start();
    bench.ask(1, 3);
    bench.ask(2, 3);
    bench.ask(3, 3);
    const auto late = std::exchange(bench.calls, {});
    bench.agent.leave(bench.now, "drained");
    bench.settle();
    bench.agent.on_reply(bench.now, late[0].first, bench.store->execute(bench.now, late[0].second));
    bench.settle();
    bench.pass(std::chrono::minutes(2));
    EXPECT(bench.store->keys().empty() && bench.agent.lease() == 0, "left");
    for (const std::size_t lost : {1U, 2U}) {
        bench.now += seconds(5);
        bench.agent.on_reply(bench.now, late[lost].first, CallFailure{CallFailure::Kind::unavailable, "no reply"});
    }
    EXPECT(bench.calls.empty() && bench.agent.deadline() == never, "no call about a lease that is gone");
}

SESSLIMIT_TEST(a_late_reply_about_an_earlier_lease_does_not_lose_the_lease) {
    Bench bench;
    bench.start();
    bench.take_log();
    (void)bench.store->execute(bench.now, RevokeLease{bench.agent.lease()});
    bench.ask(1, 2);
    const auto late = bench.calls.front();
    bench.calls.pop_front();
    bench.claim(2, 2); // its reply arrives first
    bench.pass(seconds(2));
    EXPECT_TEXT(bench.take_log(), "down: the lease of the host has expired, up, 2 granted, ");
    bench.agent.on_reply(bench.now, late.first, CallFailure{CallFailure::Kind::no_lease, "lease not found"});
    bench.pass(milliseconds(500));
    EXPECT_TEXT(bench.take_log(), "1 granted, ");
}

SESSLIMIT_TEST(a_connection_that_is_lost_during_claims_keeps_them) {
    Bench bench;
    bench.start();
    bench.claim(9);
    bench.take_log();
    for (const std::uint64_t key : {1U, 2U}) {
        bench.ask(key, 2);
    }
    bench.agent.begin_list();
    bench.agent.add_listed({.key = 9, .limit = 1, .record = {.user = "alice"}});
    bench.agent.add_listed({.key = 1, .limit = 2, .record = {.user = "alice"}}); // admitted without an answer
    bench.ask(2, 2);
    bench.agent.end_list(bench.now);
    bench.settle();
    EXPECT_TEXT(bench.take_log(), "2 full, ");
    EXPECT(bench.store->count(keys.slots("alice")) == 2, "the slots of 9 and 1");
}

SESSLIMIT_TEST(the_lease_is_kept_alive_while_the_store_rejects_the_comparison) {
    Bench bench;
    bench.start();
    bench.claim(1);
    const std::int64_t lease = bench.agent.lease();
    bench.rejects = Bench::is_list_lease;
    bench.pass(std::chrono::minutes(3));
    EXPECT_TEXT(bench.take_log(), "up, 1 granted, down: no permission, ");
    EXPECT(bench.store->count(keys.slots("alice")) == 1 && bench.agent.lease() == lease, "the slot is kept");
    bench.rejects = [](const Call&) { return false; };
    bench.pass(seconds(3));
    EXPECT_TEXT(bench.take_log(), "up, ");
}

SESSLIMIT_TEST(claims_that_the_store_rejects_are_answered_at_once_and_recorded_later) {
    Bench bench;
    bench.start();
    bench.claim(1, 2);
    const std::int64_t lease = bench.agent.lease();
    EXPECT_TEXT(bench.take_log(), "up, 1 granted, ");
    bench.rejects = Bench::is_put_call; // as etcd at its quota
    const BootTime before = bench.now;
    bench.claim(2, 2);
    EXPECT(bench.now - before < milliseconds(100), "no wait");
    EXPECT_TEXT(bench.take_log(), "down: no permission, 2 unknown, ");
    bench.claim(3, 2);
    EXPECT_TEXT(bench.take_log(), "3 unknown, ");

    bench.agent.release(bench.now, 1);
    bench.settle();
    EXPECT(bench.store->count(keys.slots("alice")) == 0, "releases go on");
    bench.pass(std::chrono::minutes(2));
    EXPECT(bench.agent.lease() == lease, "the lease is kept alive");
    EXPECT_TEXT(bench.take_log(), "");

    bench.rejects = [](const Call&) { return false; };
    bench.pass(seconds(3));
    EXPECT_TEXT(bench.take_log(), "up, ");
    EXPECT(bench.store->count(keys.slots("alice")) == 2, "the sessions 2 and 3 are recorded");
}

SESSLIMIT_TEST(a_user_with_too_long_records_does_not_delay_other_users) {
    Bench bench;
    bench.start();
    bench.rejects = Bench::is_put_call;
    bench.rejection = CallFailure::Kind::too_large;
    bench.agent.begin_list();
    bench.agent.add_listed({.key = 1, .limit = 1, .record = {.user = "alice"}});
    bench.agent.end_list(bench.now);
    bench.settle();
    bench.claim(2);
    EXPECT_TEXT(bench.take_log(), "up, 2 unknown, ");
    bench.rejects = [](const Call&) { return false; };
    bench.ask(3, 1, "bob");
    bench.settle();
    EXPECT_TEXT(bench.take_log(), "3 granted, ");
    bench.pass(Agent::sync_interval + seconds(2));
    EXPECT(bench.store->count(keys.sessions()) == 3, "recorded later");
}

SESSLIMIT_TEST(sessions_are_recorded_again_after_a_backup_of_the_store_was_restored) {
    Bench bench;
    bench.start();
    const model::Store backup = *bench.store;
    bench.claim(1, 9);
    bench.claim(2, 9);
    bench.take_log();
    *bench.store = backup; // an earlier revision, with the lease
    bench.pass(Agent::sync_interval + seconds(2));
    EXPECT_TEXT(bench.take_log(), "2 repaired, ");
    EXPECT(bench.store->count(keys.slots("alice")) == 2, "recorded");
}

SESSLIMIT_TEST(a_session_without_a_free_slot_does_not_delay_other_logins) {
    Bench bench;
    bench.start();
    Transaction put;
    for (std::uint32_t slot = 1; slot <= max_slot; ++slot) {
        put.success.emplace_back(Put{keys.slot("alice", slot), "garbage", 0});
    }
    (void)bench.store->execute(bench.now, put);
    bench.agent.begin_list();
    bench.agent.add_listed({.key = 1, .limit = 1, .record = {.user = "alice"}});
    bench.agent.end_list(bench.now);
    bench.settle();
    bench.take_log();
    bench.ask(2, 1, "bob");
    bench.settle();
    EXPECT_TEXT(bench.take_log(), "2 granted, ");
    bench.store->remove(keys.slot("alice", 5));
    bench.pass(Agent::sync_interval);
    EXPECT(bench.store->count(keys.sessions()) == 2, "recorded when a slot is free");
}

SESSLIMIT_TEST(sessions_beyond_the_maximum_are_not_counted) {
    Bench bench("boot1", "machine1", 2);
    bench.start();
    for (const std::uint64_t key : {1U, 2U, 3U, 2U}) {
        bench.claim(key, 9);
    }
    EXPECT_TEXT(bench.take_log(), "up, 1 granted, 2 granted, 3 unknown, 2 granted, ");
    bench.agent.begin_list();
    for (const std::uint64_t key : {3U, 2U, 1U}) {
        bench.agent.add_listed({.key = key, .limit = 9, .record = {.user = "alice"}});
    }
    bench.agent.end_list(bench.now);
    bench.settle();
    bench.pass(std::chrono::minutes(2));
    EXPECT(bench.store->count(keys.sessions()) == 2, "not recorded");
    bench.agent.release(bench.now, 1);
    bench.settle();
    bench.claim(3, 9);
    EXPECT_TEXT(bench.take_log(), "3 granted, ");
}

SESSLIMIT_TEST(the_record_of_the_host_follows_the_policy) {
    Bench bench;
    bench.agent.describe_policy(bench.now, "first");
    bench.start();
    EXPECT_TEXT(bench.policy(), "first");
    bench.agent.describe_policy(bench.now, "second");
    bench.settle();
    EXPECT_TEXT(bench.policy(), "second");

    // A restarted agent keeps the policy until the daemon reports it.
    Bench again(bench, "boot1", "machine1");
    again.start();
    EXPECT_TEXT(again.policy(), "second");

    // The lease is kept alive while the store rejects the record.
    const std::int64_t lease = again.agent.lease();
    again.rejects = Bench::is_put_call;
    again.agent.describe_policy(again.now, "third");
    again.settle();
    again.pass(std::chrono::minutes(2));
    EXPECT(again.agent.lease() == lease, "the lease is kept alive");
    EXPECT_TEXT(again.policy(), "second");
    again.rejects = [](const Call&) { return false; };
    again.pass(std::chrono::minutes(2));
    EXPECT_TEXT(again.policy(), "third");
    EXPECT_TEXT(again.take_log(), "up, ");
}

} // namespace
} // namespace sesslimit::fleet
