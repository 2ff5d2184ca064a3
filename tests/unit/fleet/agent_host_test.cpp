// SPDX-License-Identifier: MIT
// The agent: the name of the host, and many sessions at once.
#include "tests/unit/fleet/agent_bench.hpp"

namespace sesslimit::fleet {
namespace {

using namespace test;
using Bench = AgentBench;
using std::chrono::minutes;

/// Executes the calls that were sent, which need the same time.
void execute(Bench& bench, Duration latency) {
    bench.now += latency;
    for (const auto& [id, call] : std::exchange(bench.calls, {})) {
        bench.agent.on_reply(bench.now, id, bench.store->execute(bench.now, call));
    }
    bench.agent.on_time(bench.now);
}

/// Executes the calls in batches, each of which needs the same time, until this text was logged. Returns the time.
Duration run_until(Bench& bench, std::string_view text, milliseconds latency) {
    const BootTime began = bench.now;
    while (bench.log.find(text) == std::string::npos && bench.now - began < seconds(30)) {
        execute(bench, latency);
    }
    return bench.now - began;
}

/// Lets time pass for two agents that use the same store.
void pass(Bench& one, Bench& two, Duration span) {
    one.now = two.now = std::max(one.now, two.now);
    for (const BootTime end = one.now + span; one.now < end;) {
        one.pass(seconds(1));
        two.pass(seconds(1));
    }
}

/// Claims a slot for the only session that its user may have, and leaves the call to the caller.
void ask(Bench& bench, std::uint64_t key) {
    bench.agent.claim(bench.now, {.key = key, .limit = 1, .record = {.user = "u" + std::to_string(key)}});
}

SESSLIMIT_TEST(a_deleted_record_of_the_host_is_written_again) {
    Bench bench;
    bench.start();
    bench.claim(1);
    const std::int64_t lease = bench.agent.lease();
    bench.store->remove(keys.host_record());
    bench.pass(minutes(2));
    EXPECT(bench.store->count({keys.host_record(), {}}) == 1 && bench.agent.lease() == lease, "with the same lease");
    EXPECT_TEXT(bench.take_log(), "up, 1 granted, ");
    bench.agent.describe_policy(bench.now, "new");
    bench.settle();
    EXPECT_TEXT(bench.policy(), "new");

    // The name does not become free for another machine.
    Bench other(bench, "boot2", "machine2");
    other.start();
    EXPECT_TEXT(other.take_log(), "down: the host name me is used by the machine machine1, ");
    EXPECT(bench.store->count(keys.slots("alice")) == 1, "the slot of the first machine");
}

SESSLIMIT_TEST(another_machine_that_has_taken_the_name_is_reported) {
    Bench bench;
    bench.start();
    bench.store->remove(keys.host_record());
    Bench other(bench, "boot2", "machine2");
    other.start();
    EXPECT_TEXT(other.take_log(), "up, ");
    pass(bench, other, minutes(2));
    EXPECT_TEXT(bench.take_log(), "up, down: the host name me is used by the machine machine2, ");
}

SESSLIMIT_TEST(machines_with_the_same_id_do_not_alternate) {
    Bench first;
    first.start();
    first.claim(1);
    Bench copy(first, "boot2", "machine1");
    copy.start(); // like the next boot of the first machine
    copy.claim(7);
    pass(first, copy, minutes(10));
    EXPECT_TEXT(first.take_log(), "up, 1 granted, down: the lease of the host has expired, "
                                  "down: the host name me is used by another machine with the same machine ID, ");
    EXPECT_TEXT(copy.take_log(), "up, 7 granted, ");
    // It joins when the other one has ended.
    copy.agent.leave(copy.now, "shutdown");
    copy.settle();
    first.now = copy.now;
    first.pass(minutes(2));
    EXPECT_TEXT(first.take_log(), "1 repaired, up, ");
}

SESSLIMIT_TEST(logins_do_not_wait_for_sessions_that_end) {
    constexpr std::uint64_t count = 4000;
    Bench bench("boot1", "machine1", 2 * count);
    bench.start();
    for (std::uint64_t key = 1; key <= count; ++key) {
        ask(bench, key);
        bench.settle();
    }
    (void)bench.take_log();
    for (std::uint64_t key = 1; key <= count; ++key) {
        bench.agent.release(bench.now, key);
    }
    ask(bench, count + 1);
    const Duration waited = run_until(bench, "4001 granted", milliseconds(64));
    EXPECT(waited <= milliseconds(200), std::to_string(waited.count()) + " us");
    // The sessions that end are recorded meanwhile.
    (void)run_until(bench, "never", milliseconds(64));
    EXPECT(bench.store->count(keys.sessions()) == 1, "the records of the others are deleted");
}

SESSLIMIT_TEST(sessions_without_an_answer_are_recorded_soon) {
    constexpr std::uint64_t count = 2000; // more than the store executes within answer_timeout
    Bench bench("boot1", "machine1", 2 * count);
    bench.start();
    for (std::uint64_t key = 1; key <= count; ++key) {
        ask(bench, key);
    }
    (void)run_until(bench, "1990 unknown", milliseconds(200));
    EXPECT(bench.log.find("down") == std::string::npos, "no call has failed");
    // The daemon has admitted the session by its own sessions. Another login of the user finds it in the fleet.
    bench.settle();
    bench.pass(seconds(10));
    (void)bench.take_log();
    bench.ask(5000, 1, "u1990");
    bench.settle();
    EXPECT_TEXT(bench.take_log(), "5000 full, ");
}

SESSLIMIT_TEST(claims_that_wait_for_a_release_delay_neither_it_nor_other_users) {
    constexpr std::uint64_t count = 1000;
    Bench bench("boot1", "machine1", 2 * count);
    bench.start();
    bench.claim(1);
    (void)bench.take_log();
    for (std::uint64_t key = 2; key <= count; ++key) {
        bench.ask(key);
    }
    bench.agent.release(bench.now, 1); // the claims use all calls
    ask(bench, count + 1);
    const BootTime began = bench.now;
    const Duration waited = run_until(bench, "1001 granted", milliseconds(64));
    EXPECT(waited <= milliseconds(1500), std::to_string(waited.count()) + " us");
    while (bench.now - began < seconds(4)) {
        execute(bench, milliseconds(64));
    }
    EXPECT(bench.store->count(keys.slots("alice")) == 1, "the slot was released, and is occupied by a waiting user");
    EXPECT(bench.log.find("unknown") == std::string::npos, "each claim has been evaluated");
}

SESSLIMIT_TEST(the_lease_is_kept_alive_while_many_records_are_read) {
    constexpr std::uint64_t count = 4500; // five pages
    Bench bench("boot1", "machine1", count);
    bench.start();
    for (std::uint64_t key = 1; key <= count; ++key) {
        ask(bench, key);
        bench.settle();
    }
    bench.pass(seconds(45));
    (void)bench.take_log();
    const std::int64_t lease = bench.agent.lease();
    for (int call = 0; call < 20; ++call) {
        execute(bench, seconds(8)); // the pages need 40 s, and the lease ends after 30 s
    }
    EXPECT(bench.agent.lease() == lease, "the same lease");
    EXPECT_TEXT(bench.take_log(), "");
}

} // namespace
} // namespace sesslimit::fleet
