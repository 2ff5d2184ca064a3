// SPDX-License-Identifier: MIT
#pragma once

#include "tests/fleet/bench/host.hpp"

#include <nlohmann/json.hpp>

#include <memory>

namespace sesslimit::fleet::bench {

/// The hosts of this process, and the measurements with them. Each function returns its results as a JSON object. Times
/// of single operations are in microseconds, and points in time are microseconds of CLOCK_BOOTTIME.
class Fleet {
  public:
    using Json = nlohmann::json;

    /// Lifetime: `loop` must outlive the object.
    Fleet(sd_event* loop, Options options);

    /// Lets all hosts join, `per_second` of them a second.
    Json join(std::size_t per_second);
    /// Lets the first `clients` hosts claim a slot, each of them again after each answer. All sessions end afterwards.
    Json claims(std::size_t clients, Duration time);
    /// Lets the first `clients` hosts put a value in the same way.
    Json puts(std::size_t clients, Duration time);
    /// Lets the first `clients` hosts claim one slot at the same time, for `users` users. The sessions end afterwards.
    Json burst(std::size_t clients, std::size_t users, std::uint32_t limit);
    /// Lets every other host claim slots, and the others put values, repeating a failed put until it succeeds.
    Json failover(Duration time);
    /// Removes the first half of the hosts, each of which holds all slots of a user. The other half claims these slots.
    Json lose();
    /// Returns how many hosts are in the fleet, and the number of calls that all of them have sent.
    Json state() const;
    /// Orders all hosts of the fleet to terminate the sessions of a user, as `sesslimitctl fleet end-user` does.
    /// `timeout` is the time in which they can answer.
    Json order(std::uint64_t id, Duration timeout);
    /// Returns when the hosts have received an order.
    Json received(std::uint64_t id) const;

  private:
    struct Round;
    struct Loss;
    void claim_again(std::size_t host, Round& round);
    void put_again(std::size_t host, Round& round, MonotonicTime began);
    void claim_lost(std::size_t victim, Loss& loss);
    void wait_until_up(std::size_t count);
    void end_sessions();
    void claim(std::size_t host, const std::string& user, std::uint32_t limit, Host::Answered answered);
    /// Runs the event loop until a condition is true. Returns false if that does not happen in time.
    template <class Condition>
    bool run_until(const Condition& condition, Duration timeout);

    sd_event* loop_;
    Options options_;
    std::vector<std::unique_ptr<Host>> hosts_{};
    std::vector<std::pair<std::size_t, std::uint64_t>> sessions_{}; ///< Open sessions, with their hosts.
    std::vector<std::uint64_t> claimed_{};                          ///< Number of claims of each host in claim_again().
    std::uint64_t last_session_ = 0;
};

} // namespace sesslimit::fleet::bench
