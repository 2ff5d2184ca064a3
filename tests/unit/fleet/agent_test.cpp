// SPDX-License-Identifier: MIT
// Single decisions of the agent. tests/fleet_model runs fleets of agents with faults.
#include "fleet/agent.hpp"
#include "tests/fleet_model/store.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>

namespace sesslimit::fleet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Keys keys("f", "me");

/// An agent whose calls are executed at once, or fail after 300 ms if the store does not answer.
struct Bench final : Effects {
    explicit Bench(const std::string& boot = "boot1", const std::string& machine = "machine1", std::size_t most = 1000)
        : agent({.fleet = "f",
                 .host = "me",
                 .record = {.machine = machine, .boot = boot, .version = "1"},
                 .max_sessions = most},
                *this) {}
    /// Uses the store and the time of another agent.
    Bench(const Bench& earlier, const std::string& boot, const std::string& machine) : Bench(boot, machine) {
        store = earlier.store;
        now = earlier.now;
    }

    void call(std::uint64_t id, const Call& call) override { calls.emplace_back(id, call); }
    void answer(std::uint64_t session, const Answer& answer) override {
        log += std::to_string(session) + (answer.outcome == Answer::Outcome::granted ? " granted, "
                                          : answer.outcome == Answer::Outcome::full  ? " full, "
                                                                                     : " unknown, ");
    }
    void state_changed(bool up, const std::string& reason) override { log += up ? "up, " : "down: " + reason + ", "; }
    void over_limit(const Session& session) override { log += std::to_string(session.key) + " over the limit, "; }
    void repairing(std::size_t count) override { log += std::to_string(count) + " repaired, "; }

    void start() {
        agent.start(now);
        agent.begin_list();
        agent.end_list(now);
        settle();
    }
    void claim(std::uint64_t key, std::uint32_t limit = 1) {
        agent.claim(now, {.key = key, .limit = limit, .record = {.user = "alice"}});
        settle();
    }
    /// Executes all calls.
    void settle() {
        while (!calls.empty()) {
            const auto [id, call] = calls.front();
            calls.pop_front();
            now += answers ? milliseconds(1) : milliseconds(300);
            agent.on_reply(now, id,
                           !answers        ? CallFailure{CallFailure::Kind::unavailable, "no reply"}
                           : rejects(call) ? CallFailure{CallFailure::Kind::rejected, "no permission"}
                                           : store->execute(now, call));
        }
    }
    void pass(Duration span) {
        for (const BootTime end = now + span; now < end;) {
            now = std::max(now, std::min(end, agent.deadline()));
            agent.on_time(now);
            settle();
        }
    }
    std::string take_log() { return std::exchange(log, {}); }

    std::shared_ptr<model::Store> store = std::make_shared<model::Store>();
    static bool is_list_lease(const Call& call) { return std::holds_alternative<ListLease>(call); }
    /// Returns true for a transaction that writes a key, directly or in a nested transaction.
    static bool is_put(const Transaction& transaction) {
        return std::ranges::any_of(transaction.success, [](const Operation& operation) {
            const auto* nested = std::get_if<Transaction>(&operation);
            return std::holds_alternative<Put>(operation) || (nested != nullptr && is_put(*nested));
        });
    }
    static bool is_put_call(const Call& call) {
        const auto* transaction = std::get_if<Transaction>(&call);
        return transaction != nullptr && is_put(*transaction);
    }
    std::string policy() { // The policy in the record of this host.
        const auto result = store->execute(now, read_of({keys.host_record(), {}}));
        return decode_host(std::get<TransactionReply>(result).found.front().value)->policy;
    }

    bool answers = true;
    std::function<bool(const Call&)> rejects = [](const Call&) { return false; };
    BootTime now{std::chrono::hours(1)};
    std::deque<std::pair<std::uint64_t, Call>> calls;
    std::string log;
    Agent agent;
};

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
            const auto [id, call] = bench.calls.front();
            bench.calls.pop_front();
            ++calls;
            bench.agent.on_reply(bench.now, id, bench.store->execute(bench.now, call));
        }
    }
    EXPECT(calls >= 79 && calls <= 81,
           std::to_string(calls)); // 6 keep-alives, one read of the records and of the lease
    EXPECT_TEXT(bench.take_log(), "up, ");
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
    bench.agent.claim(bench.now, {.key = 1, .limit = 3, .record = {.user = "alice"}});
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
    bench.agent.claim(bench.now, {.key = 1, .limit = 3, .record = {.user = "alice"}});
    bench.agent.claim(bench.now, {.key = 2, .limit = 3, .record = {.user = "alice"}});
    bench.agent.claim(bench.now, {.key = 3, .limit = 3, .record = {.user = "alice"}});
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
    bench.agent.claim(bench.now, {.key = 1, .limit = 2, .record = {.user = "alice"}});
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
        bench.agent.claim(bench.now, {.key = key, .limit = 2, .record = {.user = "alice"}});
    }
    bench.agent.begin_list();
    bench.agent.add_listed({.key = 9, .limit = 1, .record = {.user = "alice"}});
    bench.agent.add_listed({.key = 1, .limit = 2, .record = {.user = "alice"}}); // admitted without an answer
    bench.agent.claim(bench.now, {.key = 2, .limit = 2, .record = {.user = "alice"}});
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

SESSLIMIT_TEST(a_claim_that_is_executed_after_its_session_has_ended_is_undone_soon) {
    Bench bench;
    bench.start();
    bench.pass(seconds(30));
    bench.agent.claim(bench.now, {.key = 1, .limit = 1, .record = {.user = "alice"}});
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
    bench.agent.claim(bench.now, {.key = 1, .limit = 1, .record = {.user = "alice"}});
    const auto [id, late] = bench.calls.front();
    bench.calls.pop_front();
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
        bench.agent.claim(bench.now, {.key = key, .limit = 1, .record = {.user = "alice"}});
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
    bench.agent.claim(bench.now, {.key = 2, .limit = 1, .record = {.user = "alice"}});
    const auto [id, late] = bench.calls.front();
    bench.calls.pop_front();
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
