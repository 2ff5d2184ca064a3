// SPDX-License-Identifier: MIT
#include "tests/fleet/bench/fleet.hpp"

#include "tests/fleet/bench/administrator.hpp"

#include <algorithm>
#include <random>

namespace sesslimit::fleet::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint32_t usual_limit = 3;
constexpr Duration patience = seconds(30); ///< Time after which a measurement ends without its result.

std::int64_t since(MonotonicTime began) {
    return (monotonic_now() - began).count();
}

/// Returns a put of a value that is as long as the record of a slot and that of a session.
Transaction put_of(const Keys& keys) {
    Transaction whole;
    whole.success = {Put{keys.acks().first + "put", std::string(120, 'x'), 0}};
    return whole;
}

bool succeeded(const CallResult& result) {
    return std::holds_alternative<TransactionReply>(result);
}

} // namespace

/// A time in which hosts repeat an operation.
struct Fleet::Round {
    MonotonicTime end{};
    std::size_t running = 0;          ///< Hosts whose last operation is not completed.
    std::size_t failed = 0;           ///< Operations that did not succeed.
    bool retries = false;             ///< A put is repeated until it succeeds.
    std::vector<std::int64_t> took{}; ///< Times of the operations.
    std::vector<std::unique_ptr<Timer>> timers{};
    std::minstd_rand random{};

    /// Adds an operation that is completed.
    void add(MonotonicTime began) { took.push_back(since(began)); }
    [[nodiscard]] Json result(MonotonicTime began) const {
        return {{"us", took}, {"failed", failed}, {"seconds", static_cast<double>(since(began)) / 1e6}};
    }
};

/// Hosts that are lost, and those that claim their slots.
struct Fleet::Loss {
    std::vector<BootTime> expires{};
    std::vector<std::int64_t> late{};
    std::vector<std::unique_ptr<Timer>> timers{};
};

template <class Condition>
bool Fleet::run_until(const Condition& condition, Duration timeout) {
    const MonotonicTime end = monotonic_now() + timeout;
    while (!condition()) {
        if (monotonic_now() > end || sd_event_run(loop_, 20'000) < 0) {
            return false;
        }
    }
    return true;
}

Fleet::Fleet(sd_event* loop, Options options) : loop_(loop), options_(std::move(options)) {
    for (std::size_t at = 0; at < options_.count; ++at) {
        hosts_.push_back(std::make_unique<Host>(loop_, options_, options_.first + at));
    }
    claimed_.resize(hosts_.size());
}

Fleet::Json Fleet::join(std::size_t per_second) {
    const MonotonicTime began = monotonic_now();
    for (std::size_t at = 0; at < hosts_.size(); ++at) {
        run_until([&] { return monotonic_now() - began >= at * seconds(1) / per_second; }, patience);
        hosts_[at]->start();
    }
    const bool all = run_until(
        [&] { return std::ranges::all_of(hosts_, [](const auto& host) { return host->is_up() && host->is_quiet(); }); },
        4 * patience);
    const auto up = std::ranges::count_if(hosts_, [](const auto& host) { return host->is_up(); });
    return {{"joined", all}, {"up", up}, {"seconds", static_cast<double>(since(began)) / 1e6}};
}

void Fleet::claim(std::size_t host, const std::string& user, std::uint32_t limit, Host::Answered answered) {
    const std::uint64_t session = ++last_session_;
    hosts_[host]->claim(session, user, limit,
                        [this, host, session, receiver = std::move(answered)](const Answer& answer) {
                            if (answer.outcome != Answer::Outcome::full) {
                                sessions_.emplace_back(host, session);
                            }
                            receiver(answer);
                        });
}

/// Waits until the first hosts are in the fleet, which they are not for a moment after calls without a reply.
void Fleet::wait_until_up(std::size_t count) {
    run_until(
        [&] {
            return std::all_of(hosts_.begin(), hosts_.begin() + static_cast<std::ptrdiff_t>(count),
                               [](const auto& host) { return host->is_up(); });
        },
        patience);
}

void Fleet::end_sessions() {
    for (const auto& [host, session] : std::exchange(sessions_, {})) {
        if (hosts_[host]) {
            hosts_[host]->release(session);
        }
    }
    run_until([&] { return std::ranges::all_of(hosts_, [](const auto& host) { return !host || host->is_quiet(); }); },
              patience);
}

/// Claims a slot. Each user gets up to `usual_limit` sessions, so that the first, second or third slot is free.
void Fleet::claim_again(std::size_t host, Round& round) {
    const std::string user = "user" + std::to_string(host) + "-" + std::to_string(claimed_[host]++ / usual_limit);
    claim(host, user, usual_limit, [this, host, &round, began = monotonic_now()](const Answer& answer) {
        round.add(began);
        const bool granted = answer.outcome == Answer::Outcome::granted;
        round.failed += granted ? 0U : 1U;
        if (granted && monotonic_now() < round.end) {
            claim_again(host, round);
        } else {
            --round.running;
        }
    });
}

/// Puts a value. `began` is the time of the first attempt.
void Fleet::put_again(std::size_t host, Round& round, MonotonicTime began) {
    const Transaction put = put_of(Keys(options_.fleet, "bench" + std::to_string(options_.first + host)));
    hosts_[host]->request(put, [this, host, &round, began](const CallResult& result) {
        if (!succeeded(result) && round.retries) {
            // as the agent repeats a claim
            std::uniform_int_distribution<Duration::rep> jitter(0, Agent::quick_retry.count() / 2);
            round.timers[host] = std::make_unique<Timer>(
                loop_, CLOCK_BOOTTIME, [this, host, &round, began] { put_again(host, round, began); },
                milliseconds(10));
            (void)round.timers[host]->arm_in(Agent::quick_retry + Duration(jitter(round.random)));
            return;
        }
        round.add(began);
        round.failed += succeeded(result) ? 0U : 1U;
        if (succeeded(result) && monotonic_now() < round.end) {
            put_again(host, round, monotonic_now());
        } else {
            --round.running;
        }
    });
}

Fleet::Json Fleet::claims(std::size_t clients, Duration time) {
    wait_until_up(clients);
    const MonotonicTime began = monotonic_now();
    Round round{.end = began + time, .running = clients};
    for (std::size_t host = 0; host < clients; ++host) {
        claim_again(host, round);
    }
    run_until([&] { return round.running == 0; }, patience);
    Json result = round.result(began);
    end_sessions();
    return result;
}

Fleet::Json Fleet::puts(std::size_t clients, Duration time) {
    wait_until_up(clients);
    const MonotonicTime began = monotonic_now();
    Round round{.end = began + time, .running = clients};
    for (std::size_t host = 0; host < clients; ++host) {
        put_again(host, round, monotonic_now());
    }
    run_until([&] { return round.running == 0; }, patience);
    return round.result(began);
}

Fleet::Json Fleet::burst(std::size_t clients, std::size_t users, std::uint32_t limit) {
    wait_until_up(clients);
    Json counts = {{"granted", 0}, {"full", 0}, {"unknown", 0}};
    std::vector<std::int64_t> took;
    for (std::size_t host = 0; host < clients; ++host) {
        claim(host, "burst" + std::to_string(host % users), limit, [&, began = monotonic_now()](const Answer& answer) {
            took.push_back(since(began));
            const bool granted = answer.outcome == Answer::Outcome::granted;
            Json& count = counts[granted ? "granted" : answer.outcome == Answer::Outcome::full ? "full" : "unknown"];
            count = count.get<int>() + 1;
        });
    }
    run_until([&] { return took.size() == clients; }, patience);
    end_sessions();
    counts["us"] = took;
    return counts;
}

Fleet::Json Fleet::failover(Duration time) {
    wait_until_up(hosts_.size());
    const MonotonicTime began = monotonic_now();
    Round claims{.end = began + time};
    Round puts{.end = began + time, .retries = true};
    puts.timers.resize(hosts_.size());
    for (std::size_t host = 0; host < hosts_.size(); ++host) {
        // Two neighbors use the same node first.
        if (host % 2 == 0) {
            ++claims.running;
            claim_again(host, claims);
        } else {
            ++puts.running;
            put_again(host, puts, monotonic_now());
        }
    }
    run_until([&] { return claims.running == 0 && puts.running == 0; }, patience);
    const Json result = {{"claims", claims.result(began)}, {"puts", puts.result(began)}};
    end_sessions();
    return result;
}

/// Claims a slot of a lost host again and again.
void Fleet::claim_lost(std::size_t victim, Loss& loss) {
    const std::size_t witness = victim + hosts_.size() / 2;
    claim(witness, "lost" + std::to_string(victim), usual_limit, [this, victim, &loss](const Answer& answer) {
        if (answer.outcome == Answer::Outcome::granted) {
            loss.late.push_back((boottime_now() - loss.expires[victim]).count());
        } else {
            (void)loss.timers[victim]->arm_in(milliseconds(20));
        }
    });
}

Fleet::Json Fleet::lose() {
    const std::size_t half = hosts_.size() / 2;
    Loss loss;
    std::size_t granted = 0;
    for (std::size_t victim = 0; victim < half; ++victim) {
        for (std::uint32_t slot = 0; slot < usual_limit; ++slot) {
            claim(victim, "lost" + std::to_string(victim), usual_limit,
                  [&](const Answer& answer) { granted += answer.outcome == Answer::Outcome::granted ? 1U : 0U; });
        }
    }
    run_until([&] { return granted == half * usual_limit; }, patience);
    for (std::size_t victim = 0; victim < half; ++victim) {
        loss.expires.push_back(after(hosts_[victim]->kept_alive(), options_.host_ttl));
        hosts_[victim].reset();
        loss.timers.push_back(std::make_unique<Timer>(
            loop_, CLOCK_BOOTTIME, [this, victim, &loss] { claim_lost(victim, loss); }, milliseconds(1)));
        (void)loss.timers.back()->arm_at((loss.expires.back() - seconds(1)).time_since_epoch());
    }
    run_until([&] { return loss.late.size() == half; }, options_.host_ttl + patience);
    const Json result = {{"held", granted}, {"late_us", loss.late}};
    end_sessions();
    return result;
}

Fleet::Json Fleet::state() const {
    std::size_t up = 0;
    std::size_t calls = 0;
    for (const auto& host : hosts_) {
        up += host->is_up() ? 1U : 0U;
        calls += host->calls();
    }
    return {{"up", up}, {"calls", calls}};
}

Fleet::Json Fleet::order(std::uint64_t id, Duration timeout) {
    const Administrator administrator(loop_, options_, id, timeout);
    run_until([&] { return administrator.is_done(); }, timeout + patience);
    return administrator.result();
}

Fleet::Json Fleet::received(std::uint64_t id) const {
    std::vector<std::int64_t> times;
    for (const auto& host : hosts_) {
        if (const auto at = host->received(id)) {
            times.push_back(at->time_since_epoch().count());
        }
    }
    return {{"at", times}};
}

} // namespace sesslimit::fleet::bench
