// SPDX-License-Identifier: MIT
#pragma once

#include "fleet/agent.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace sesslimit::fleet {

/// The receiver of the effects of Orders. Its functions must not call the orders.
class OrderEffects {
  public:
    virtual ~OrderEffects() = default;
    /// Sends a call to the store. Orders::on_reply() receives its result.
    virtual void call(std::uint64_t id, const Call& call) = 0;
    /// Reports changes of keys from a revision on to Orders::on_change() and on_delete(), until Orders::on_watch_lost()
    /// is called or another watch replaces this one.
    virtual void watch(const KeyRange& keys, std::int64_t revision) = 0;
    /// Passes an order to the daemon, if it is connected.
    virtual void end(std::uint64_t order, const EndOrder& what) = 0;
};

/// The part of sesslimit-fleetd that follows the orders to terminate sessions: it passes each order of end/ to the
/// daemon, and records in h/HOST/ack/ how many sessions the daemon terminates. All hosts have their results at the same
/// time. Each of them waits for a random time within EndOrder::spread, and then records all results that it has in one
/// transaction, so that the store continues to answer claims. Like Agent, it has no clock and no socket.
class Orders {
  public:
    /// IDs of calls have this bit, so that they differ from those of the agent.
    static constexpr std::uint64_t id_bit = std::uint64_t{1} << 63;
    /// Maximum number of orders that are known at the same time. Others are handled when earlier ones have expired.
    static constexpr std::size_t max_orders = 1000;
    /// Maximum number of results in a transaction. etcd permits 128 operations by default.
    static constexpr std::size_t batch = 64;
    /// First pause after a failed call. Each pause is twice as long as the one before, up to the longest. A random time
    /// of up to the same length is added, because calls of all hosts fail at the same time.
    static constexpr Duration retry = std::chrono::seconds(1);
    static constexpr Duration longest_retry = std::chrono::seconds(16);
    static constexpr Duration rejected_retry = std::chrono::minutes(1); ///< Pause after the store has rejected a call.

    /// `fleet` and `host` must be valid names. `seed` is the seed of the random times. Lifetime: `effects` must
    /// outlive the object.
    Orders(std::string_view fleet, std::string_view host, std::uint32_t seed, OrderEffects& effects)
        : keys_(fleet, host), effects_(effects), random_(seed) {}

    /// Reads the orders and starts to watch them. Called each time the host has joined the fleet.
    void join(BootTime now, std::int64_t lease);
    /// Handles that the host has left the fleet. Orders are still followed, but their results are not recorded.
    void leave() { may_record_ = false; }
    /// Passes all orders without a result to a daemon that has connected.
    void daemon_connected();
    /// Handles the result of an order: the number of sessions that are being terminated.
    void ended(BootTime now, std::uint64_t order, std::uint32_t count);

    void on_reply(BootTime now, std::uint64_t id, const CallResult& result);
    void on_change(const std::string& key, const std::string& value);
    void on_delete(BootTime now, const std::string& key);
    void on_watch_lost(BootTime now);
    void on_time(BootTime now);
    /// Returns the time at which on_time() must be called.
    [[nodiscard]] BootTime deadline() const;

  private:
    struct Entry {
        EndOrder what;
        std::optional<std::uint32_t> count{}; ///< Result of the daemon.
        bool recorded = false;                ///< The result is in the store.
    };
    /// One of the two calls of the orders: that which reads them, and that which records results.
    struct Task {
        BootTime at = never;    ///< Time of the next call.
        std::uint64_t call = 0; ///< ID of the call without a reply; 0 if none.
        Duration pause = retry; ///< Pause after the next failure.
    };

    void read(BootTime now);
    void on_orders(BootTime now, const TransactionReply& reply);
    void plan_record(BootTime now, const Entry& entry);
    void plan_records(BootTime now);
    void record(BootTime now);
    void send(Task& task, const Transaction& whole);
    void end_call(BootTime now, Task& task, const CallResult& result);
    void back_off(BootTime now, Task& task);
    [[nodiscard]] Duration random_up_to(Duration longest);

    Keys keys_;
    OrderEffects& effects_;
    std::minstd_rand random_;
    std::int64_t lease_ = 0;
    bool may_record_ = true;
    std::map<std::uint64_t, Entry> entries_{};
    bool is_cut_ = false; ///< The store has orders that were not read, because there is no room for them.
    std::uint64_t last_call_ = 0;
    Task reading_{};
    Task recording_{};
    std::vector<std::uint64_t> in_call_{}; ///< Orders whose results the call of `recording_` contains.
};

} // namespace sesslimit::fleet
