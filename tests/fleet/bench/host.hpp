// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/event_loop.hpp"
#include "fleet/agent.hpp"
#include "fleet/etcd/client.hpp"
#include "fleet/orders.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace sesslimit::fleet::bench {

constexpr Duration timer_accuracy = std::chrono::milliseconds(10); // as in sesslimit-fleetd

/// Returns the value of a result. Ends the process if there is none.
template <class Value>
Value require(Result<Value> result) {
    if (!result) {
        std::fprintf(stderr, "bench_fleet: %s\n", result.error().what.c_str());
        std::exit(EXIT_FAILURE);
    }
    if constexpr (!std::is_void_v<Value>) {
        return *std::move(result);
    }
}

/// The command line of the program.
struct Options {
    etcd::Credentials credentials{};      ///< Used by all hosts of this process.
    std::vector<std::string> endpoints{}; ///< HOST:PORT
    std::string fleet{};
    std::size_t first = 0; ///< Number of the first host.
    std::size_t count = 0; ///< Number of hosts.
    std::chrono::seconds host_ttl{30};
};

/// A simulated host: the agent and the orders of sesslimit-fleetd, with a connection to etcd of its own. The caller
/// acts as its daemon. Receivers of results are called by the event loop, and may call the host.
class Host final : Effects, OrderEffects {
  public:
    using Answered = std::function<void(const Answer&)>;
    using Called = std::function<void(const CallResult&)>;

    /// Lifetime: `loop` must outlive the host.
    Host(sd_event* loop, const Options& options, std::size_t number);
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    ~Host() override = default;

    /// Joins the fleet, without sessions.
    void start();
    void claim(std::uint64_t session, const std::string& user, std::uint32_t limit, Answered answered);
    void release(std::uint64_t session);
    /// Sends a call that is not one of the agent.
    void request(const Call& call, Called called);

    [[nodiscard]] bool is_up() const { return agent_.is_up(); }
    /// Returns the number of calls that were sent.
    [[nodiscard]] std::size_t calls() const { return calls_; }
    /// Returns true if no call is in flight, and none follows soon.
    [[nodiscard]] bool is_quiet() const;
    /// Returns the time at which the last call that kept the lease alive was sent.
    [[nodiscard]] BootTime kept_alive() const { return kept_alive_; }
    /// Returns the time at which an order was passed to the daemon; nullopt if it was not.
    [[nodiscard]] std::optional<BootTime> received(std::uint64_t order) const;

  private:
    void call(std::uint64_t id, const Call& call) override;
    void answer(std::uint64_t session, const Answer& answer) override { answers_.emplace_back(session, answer); }
    void state_changed(bool up, const std::string& reason) override;
    void over_limit(const Session& /*session*/) override {}
    void repairing(std::size_t /*count*/) override {}
    void watch(const KeyRange& keys, std::int64_t revision) override;
    void end(std::uint64_t order, const EndOrder& what) override;

    void on_result(std::uint64_t id, const CallResult& result, bool repeated);
    void on_time();
    void deliver();
    void arm_timer();

    Agent agent_;
    Orders orders_;
    Timer timer_;
    std::optional<etcd::Client> client_;
    std::map<std::uint64_t, Answered> claims_{};              ///< Receivers of answers, by session.
    std::map<std::uint64_t, Called> requests_{};              ///< Receivers of results, by call.
    std::vector<std::pair<std::uint64_t, Answer>> answers_{}; ///< Answers that have not been delivered.
    std::vector<std::uint64_t> ended_{};                      ///< Orders whose result is not reported yet.
    std::map<std::uint64_t, BootTime> received_{};            ///< Times of orders.
    std::size_t calls_ = 0;
    std::size_t in_flight_ = 0;                           ///< Calls without a result.
    std::uint64_t last_request_ = std::uint64_t{1} << 62; ///< Differs from the IDs of the agent.
    BootTime kept_alive_{};
};

} // namespace sesslimit::fleet::bench
