// SPDX-License-Identifier: MIT
#include "fleet/orders.hpp"
#include "tests/fleet_model/store.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <vector>

namespace sesslimit::fleet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Keys keys("f", "me");

/// The orders of a host with a store whose calls are executed when settle() is called.
struct Bench final : OrderEffects {
    explicit Bench(std::uint32_t seed = 1) : orders("f", "me", seed, *this) {}

    void call(std::uint64_t id, const Call& call) override {
        calls.emplace_back(id, call);
        sent.push_back(now);
    }
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
    /// Reports an order, and its result of the daemon.
    void follow(std::uint64_t order, milliseconds spread) {
        orders.on_change(keys.order(order), encode(EndOrder{.subject = "alice", .by = "root", .spread = spread}));
        orders.ended(now, order, 1);
    }
    void settle() {
        while (!calls.empty()) {
            const auto [id, call] = calls.front();
            calls.pop_front();
            const CallResult result = answers ? store.execute(now, call) : failure;
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
    CallFailure failure{CallFailure::Kind::unavailable, "no reply"}; ///< Result of a call if there are no answers.
    std::int64_t revision = 0;                                       ///< Revision of the last reply.
    BootTime now{std::chrono::hours(1)};
    std::deque<std::pair<std::uint64_t, Call>> calls;
    std::vector<BootTime> sent; ///< Times of all calls.
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
    bench.orders.on_delete(bench.now, keys.orders().first + "3");
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

SESSLIMIT_TEST(the_hosts_of_a_fleet_distribute_their_results) {
    constexpr std::uint32_t hosts = 1000;
    constexpr milliseconds spread{2000};
    std::map<std::int64_t, int> sent; // number of calls in each of ten parts of the time
    for (std::uint32_t host = 1; host <= hosts; ++host) {
        Bench bench(host * 2'654'435'761); // seeds that are far from each other
        const BootTime began = bench.now;
        bench.follow(1, spread);
        bench.pass(spread);
        EXPECT_TEXT(bench.ack(1), "count=1");
        EXPECT(bench.sent.size() == 1, "one call");
        ++sent[std::min<std::int64_t>(9, (bench.sent.front() - began) / (spread / 10))];
    }
    EXPECT(sent.size() == 10, "in each part of the time");
    for (const auto& [part, count] : sent) {
        EXPECT(count > 50 && count < 150, std::to_string(part) + ": " + std::to_string(count));
    }
    // A small fleet does not wait.
    Bench small;
    small.follow(1, milliseconds(0));
    small.settle();
    EXPECT_TEXT(small.ack(1), "count=1");
}

SESSLIMIT_TEST(results_of_several_orders_are_recorded_together) {
    Bench bench;
    for (std::uint64_t order = 1; order <= 100; ++order) {
        bench.follow(order, seconds(2));
        bench.pass(milliseconds(100));
    }
    bench.pass(seconds(2));
    EXPECT_TEXT(bench.ack(100), "count=1");
    // One call in 1 s on average, because a result waits for up to 2 s.
    EXPECT(bench.sent.size() > 5 && bench.sent.size() < 20, std::to_string(bench.sent.size()));

    Bench busy; // whose earlier call has no reply yet
    busy.follow(1, milliseconds(0));
    for (std::uint64_t order = 2; order <= 1 + Orders::batch + 1; ++order) {
        busy.follow(order, milliseconds(0));
    }
    EXPECT(busy.sent.size() == 1, "one call at a time");
    busy.settle();
    EXPECT(busy.sent.size() == 3, "the others in as few transactions as etcd permits");
    EXPECT_TEXT(busy.ack(1 + Orders::batch + 1), "count=1");
    EXPECT(busy.orders.deadline() == never, "nothing is left to do");

    Bench urgent; // the administrator waits for a shorter time than for the earlier order
    urgent.follow(1, seconds(60));
    urgent.follow(2, milliseconds(20));
    urgent.pass(milliseconds(20));
    EXPECT_TEXT(urgent.ack(1) + urgent.ack(2), "count=1count=1");
}

SESSLIMIT_TEST(the_pauses_between_failed_calls_grow_and_differ) {
    std::set<Duration> first;
    for (const std::uint32_t seed : {1U, 2U, 3U, 4U, 5U}) {
        Bench bench(seed);
        bench.answers = false;
        bench.follow(1, milliseconds(0));
        bench.settle();
        bench.pass(std::chrono::minutes(10));
        Duration longest{};
        for (std::size_t call = 1; call < bench.sent.size(); ++call) {
            const Duration pause = bench.sent[call] - bench.sent[call - 1];
            const Duration least = std::min<Duration>(Orders::retry * (1 << (call - 1)), Orders::longest_retry);
            EXPECT(pause >= least && pause <= 2 * least, std::to_string(pause.count()));
            longest = std::max(longest, pause);
        }
        EXPECT(longest > seconds(20) && bench.sent.size() > 20, "up to twice the longest pause");
        first.insert(bench.sent[1] - bench.sent[0]);
        bench.answers = true;
        bench.pass(2 * Orders::longest_retry);
        EXPECT_TEXT(bench.ack(1), "count=1");
        // The next failure is followed by a short pause again.
        bench.answers = false;
        bench.follow(2, milliseconds(0));
        bench.settle();
        EXPECT(bench.orders.deadline() <= bench.now + 2 * Orders::retry, "a short pause");
    }
    EXPECT(first.size() == 5, "no two hosts repeat the call at the same time");
}

SESSLIMIT_TEST(a_rejected_result_is_repeated_rarely) {
    Bench bench;
    bench.answers = false;
    bench.failure = {CallFailure::Kind::rejected, "etcdserver: permission denied"};
    bench.follow(1, milliseconds(0));
    bench.settle();
    bench.pass(std::chrono::hours(1));
    EXPECT(bench.sent.size() > 30 && bench.sent.size() <= 61, std::to_string(bench.sent.size()));
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

SESSLIMIT_TEST(orders_beyond_the_maximum_are_followed_when_earlier_ones_have_expired) {
    Bench bench;
    bench.orders.join(bench.now, 0);
    bench.settle();
    const auto write = [&](std::uint64_t order) {
        bench.order(order, "u" + std::to_string(order));
        bench.orders.on_change(keys.order(order),
                               encode(EndOrder{.subject = "u" + std::to_string(order), .by = "root"}));
        bench.orders.ended(bench.now, order, 1);
    };
    for (std::uint64_t order = 1; order <= Orders::max_orders; ++order) {
        write(order + 1);
    }
    bench.pass(seconds(60)); // all results are recorded
    (void)bench.take_log();
    write(1);
    bench.orders.on_watch_lost(bench.now);
    bench.pass(seconds(60));
    EXPECT_TEXT(bench.take_log(), "watch, ");
    bench.store.remove(keys.order(500));
    bench.orders.on_delete(bench.now, keys.order(500));
    bench.pass(seconds(60));
    EXPECT_TEXT(bench.take_log(), "1 u1, watch, ");
}

} // namespace
} // namespace sesslimit::fleet
