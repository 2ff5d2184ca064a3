// SPDX-License-Identifier: MIT
#pragma once

#include "fleet/agent.hpp"
#include "tests/fleet_model/store.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace sesslimit::fleet::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline const Keys keys("f", "me");

/// An agent whose calls are executed at once, or fail after 300 ms if the store does not answer.
struct AgentBench final : Effects {
    explicit AgentBench(const std::string& boot = "boot1", const std::string& machine = "machine1",
                        std::size_t most = 1000)
        : agent({.fleet = "f",
                 .host = "me",
                 .record = {.machine = machine, .boot = boot, .version = "1"},
                 .max_sessions = most},
                *this) {}
    /// Uses the store and the time of another agent.
    AgentBench(const AgentBench& earlier, const std::string& boot, const std::string& machine)
        : AgentBench(boot, machine) {
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
    /// Claims a slot. The calls are not executed.
    void ask(std::uint64_t key, std::uint32_t limit = 1, const char* user = "alice") {
        agent.claim(now, {.key = key, .limit = limit, .record = {.user = user}});
    }
    void claim(std::uint64_t key, std::uint32_t limit = 1) {
        ask(key, limit);
        settle();
    }
    /// Executes all calls.
    void settle() {
        while (!calls.empty()) {
            run(take_call());
        }
    }
    /// Executes all calls. Each is executed before those that were sent before it.
    void settle_newest_first() {
        while (!calls.empty()) {
            std::ranges::rotate(calls, std::prev(calls.end()));
            run(take_call());
        }
    }
    using SentCall = std::pair<std::uint64_t, Call>;
    SentCall take_call() {
        const SentCall call = calls.front();
        calls.pop_front();
        return call;
    }
    void run(const SentCall& sent) {
        const auto& [id, call] = sent;
        now += answers ? milliseconds(1) : milliseconds(300);
        agent.on_reply(now, id,
                       !answers        ? CallFailure{CallFailure::Kind::unavailable, "no reply"}
                       : rejects(call) ? CallFailure{rejection, "no permission"}
                                       : store->execute(now, call));
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
    CallFailure::Kind rejection = CallFailure::Kind::rejected;
    BootTime now{std::chrono::hours(1)};
    std::deque<SentCall> calls;
    std::string log;
    Agent agent;
};

} // namespace sesslimit::fleet::test
