// SPDX-License-Identifier: MIT
#include "fleet/orders.hpp"
#include "tests/fleet_model/store.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <deque>

namespace sesslimit::fleet {
namespace {

using std::chrono::seconds;

const Keys keys("f", "me");

/// The orders of a host with a store whose calls are executed when settle() is called.
struct Bench final : OrderEffects {
    Bench() : orders("f", "me", 1, *this) {}

    void call(std::uint64_t id, const Call& call) override { calls.emplace_back(id, call); }
    void watch(const KeyRange& range, std::int64_t from) override {
        log += "watch, ";
        EXPECT(range == keys.orders() && from == revision + 1, "changes after the read are reported");
    }
    void end(std::uint64_t order, const EndOrder& what) override {
        log += std::to_string(order) + ' ' + what.subject + ", ";
    }

    void put(const std::string& key, const std::string& value) {
        Transaction whole;
        whole.success = {Put{key, value}};
        (void)store.execute(now, whole);
    }
    void order(std::uint64_t order, const std::string& user) {
        put(keys.orders().first + std::to_string(order), encode(EndOrder{.subject = user, .by = "root"}));
    }
    void settle() {
        while (!calls.empty()) {
            const auto [id, call] = calls.front();
            calls.pop_front();
            const CallResult result =
                answers ? store.execute(now, call) : CallFailure{CallFailure::Kind::unavailable, "no reply"};
            if (const auto* reply = std::get_if<TransactionReply>(&result)) {
                revision = reply->revision;
            }
            orders.on_reply(now, id, result);
        }
    }
    void pass(Duration span) {
        for (const BootTime end = now + span; now < end; settle()) {
            now = std::min(end, std::max(now, orders.deadline()));
            orders.on_time(now);
        }
    }
    std::string ack(std::uint64_t order) {
        const auto found = store.keys().find(keys.ack(order));
        return found == store.keys().end() ? "none" : found->second.value;
    }
    std::string take_log() { return std::exchange(log, {}); }

    model::Store store;
    bool answers = true;
    std::int64_t revision = 0; ///< Revision of the last reply.
    BootTime now{std::chrono::hours(1)};
    std::deque<std::pair<std::uint64_t, Call>> calls;
    std::string log;
    Orders orders;
};

SESSLIMIT_TEST(orders_are_passed_once_and_their_results_are_recorded) {
    Bench bench;
    bench.order(1, "alice");
    bench.put(keys.ack(1), "count=0"); // of an earlier process
    bench.order(2, "bob");
    bench.orders.join(bench.now, 0);
    bench.settle();
    EXPECT_TEXT(bench.take_log(), "2 bob, watch, ");
    bench.orders.on_change(keys.orders().first + "3", encode(EndOrder{.subject = "carol", .by = "root"}));
    bench.orders.on_change(keys.orders().first + "3", encode(EndOrder{.subject = "dave", .by = "root"}));
    bench.orders.on_change(keys.orders().first + "4", "garbage");
    EXPECT_TEXT(bench.take_log(), "3 carol, ");
    bench.orders.ended(bench.now, 2, 5);
    bench.orders.ended(bench.now, 2, 6); // the daemon had received the order twice
    bench.orders.ended(bench.now, 99, 6);
    bench.settle();
    EXPECT_TEXT(bench.ack(2), "count=5");
    EXPECT_TEXT(bench.ack(99), "none");
    bench.orders.daemon_connected();
    EXPECT_TEXT(bench.take_log(), "3 carol, ");
    bench.orders.on_delete(keys.orders().first + "3");
    bench.orders.daemon_connected();
    EXPECT_TEXT(bench.take_log(), "");
    EXPECT(bench.orders.deadline() == never, "nothing is left to do");
}

SESSLIMIT_TEST(calls_without_a_reply_are_repeated) {
    Bench bench;
    bench.order(1, "alice");
    bench.answers = false;
    bench.orders.join(bench.now, 0);
    bench.settle();
    EXPECT(bench.orders.deadline() >= bench.now + Orders::retry, "a pause");
    bench.answers = true;
    bench.pass(seconds(2));
    EXPECT_TEXT(bench.take_log(), "1 alice, watch, ");
    bench.answers = false;
    bench.orders.ended(bench.now, 1, 2);
    bench.settle();
    EXPECT_TEXT(bench.ack(1), "none");
    bench.answers = true;
    bench.pass(seconds(2));
    EXPECT_TEXT(bench.ack(1), "count=2");
}

SESSLIMIT_TEST(a_host_that_has_left_follows_orders_but_records_no_results) {
    Bench bench;
    bench.orders.join(bench.now, 0);
    bench.settle();
    bench.take_log();
    bench.orders.leave();
    bench.orders.on_change(keys.orders().first + "3", encode(EndOrder{.subject = "carol", .by = "root"}));
    bench.orders.ended(bench.now, 3, 1);
    bench.settle();
    EXPECT_TEXT(bench.take_log(), "3 carol, ");
    EXPECT_TEXT(bench.ack(3), "none");
    EXPECT(bench.orders.deadline() == never, "no retry");
}

SESSLIMIT_TEST(orders_are_read_again_after_a_lost_watch) {
    Bench bench;
    bench.orders.join(bench.now, 0);
    bench.settle();
    bench.take_log();
    bench.order(1, "alice");
    bench.orders.on_watch_lost(bench.now);
    bench.pass(seconds(2));
    EXPECT_TEXT(bench.take_log(), "1 alice, watch, ");
    // The result is recorded again if it was deleted with the lease of the host.
    bench.orders.ended(bench.now, 1, 2);
    bench.settle();
    bench.store.remove(keys.ack(1));
    bench.orders.join(bench.now, 0);
    bench.settle();
    bench.pass(seconds(2));
    EXPECT_TEXT(bench.ack(1), "count=2");
    EXPECT_TEXT(bench.take_log(), "watch, ");
}

} // namespace
} // namespace sesslimit::fleet
