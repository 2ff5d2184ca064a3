// SPDX-License-Identifier: MIT
#include "tests/fleet/bench/host.hpp"

#include <algorithm>

namespace sesslimit::fleet::bench {
namespace {

constexpr Duration soon = std::chrono::milliseconds(200);

/// Returns the nodes in another order for each host, as administrators can write them to fleet.toml.
std::vector<std::string> rotated(std::vector<std::string> endpoints, std::size_t by) {
    std::rotate(endpoints.begin(), endpoints.begin() + static_cast<std::ptrdiff_t>(by % endpoints.size()),
                endpoints.end());
    return endpoints;
}

/// Returns the seed of a host. Generators whose seeds are close to each other start with numbers that are, too.
std::uint32_t seed_of(std::size_t number) {
    return static_cast<std::uint32_t>((number + 1) * 2'654'435'761);
}

Agent::Settings settings_of(const Options& options, std::size_t number) {
    const std::string name = "bench" + std::to_string(number);
    return {.fleet = options.fleet,
            .host = name,
            .record = {.machine = "machine-of-" + name, .boot = "boot-of-" + name, .version = "bench"},
            .host_ttl = options.host_ttl,
            .seed = seed_of(number)};
}

} // namespace

Host::Host(sd_event* loop, const Options& options, std::size_t number)
    : agent_(settings_of(options, number), *this), orders_(options.fleet, agent_.keys().host(), seed_of(number), *this),
      timer_(
          loop, CLOCK_BOOTTIME, [this] { on_time(); }, timer_accuracy),
      client_(require(etcd::Client::start(
          loop, rotated(options.endpoints, number), options.credentials,
          [this](std::uint64_t id, const CallResult& result, bool repeated) { on_result(id, result, repeated); }))) {}

void Host::start() {
    agent_.start(boottime_now());
    agent_.begin_list();
    agent_.end_list(boottime_now());
    deliver();
}

void Host::claim(std::uint64_t session, const std::string& user, std::uint32_t limit, Answered answered) {
    claims_[session] = std::move(answered);
    agent_.claim(boottime_now(), {.key = session,
                                  .limit = limit,
                                  .record = {.user = user,
                                             .since = 1'700'000'000,
                                             .service = "sshd",
                                             .tty = "pts/1",
                                             .origin = "192.0.2.17",
                                             .rule = "everyone"}});
    arm_timer();
}

void Host::release(std::uint64_t session) {
    agent_.release(boottime_now(), session);
    deliver();
}

void Host::request(const Call& call, Called called) {
    requests_[++last_request_] = std::move(called);
    this->call(last_request_, call);
}

bool Host::is_quiet() const {
    return in_flight_ == 0 && answers_.empty() && agent_.deadline() > after(boottime_now(), soon);
}

std::optional<BootTime> Host::received(std::uint64_t order) const {
    const auto found = received_.find(order);
    return found == received_.end() ? std::nullopt : std::optional(found->second);
}

void Host::call(std::uint64_t id, const Call& call) {
    if (std::holds_alternative<KeepAlive>(call) || std::holds_alternative<GrantLease>(call)) {
        kept_alive_ = boottime_now();
    }
    ++calls_;
    ++in_flight_;
    client_->call(id, call);
}

void Host::state_changed(bool up, const std::string& /*reason*/) {
    if (up) {
        orders_.join(boottime_now(), agent_.lease());
    }
}

void Host::watch(const KeyRange& keys, std::int64_t revision) {
    client_->watch(
        keys, revision,
        [this](const std::vector<etcd::Client::Change>& changes) {
            for (const etcd::Client::Change& change : changes) {
                change.deleted ? orders_.on_delete(boottime_now(), change.key)
                               : orders_.on_change(change.key, change.value);
            }
            deliver();
        },
        [this] {
            orders_.on_watch_lost(boottime_now());
            deliver();
        });
}

void Host::end(std::uint64_t order, const EndOrder& /*what*/) {
    if (received_.emplace(order, boottime_now()).second) {
        ended_.push_back(order);
    }
}

void Host::on_result(std::uint64_t id, const CallResult& result, bool repeated) {
    --in_flight_;
    if (auto request = requests_.extract(id)) {
        request.mapped()(result);
    } else if ((id & Orders::id_bit) != 0) {
        orders_.on_reply(boottime_now(), id, result);
    } else {
        agent_.on_reply(boottime_now(), id, result, repeated);
    }
    deliver();
}

void Host::on_time() {
    const BootTime now = boottime_now();
    agent_.on_time(now);
    orders_.on_time(now);
    deliver();
}

/// Passes answers to their receivers, and the results of orders to the orders.
void Host::deliver() {
    for (const std::uint64_t order : std::exchange(ended_, {})) {
        orders_.ended(boottime_now(), order, 1);
    }
    for (const auto& [session, answer] : std::exchange(answers_, {})) {
        if (auto receiver = claims_.extract(session)) {
            receiver.mapped()(answer);
        }
    }
    arm_timer();
}

void Host::arm_timer() {
    // An answer that the agent has given at once is delivered by the event loop.
    const BootTime deadline = answers_.empty() ? std::min(agent_.deadline(), orders_.deadline()) : boottime_now();
    if (deadline == never) {
        timer_.disarm();
    } else {
        require(timer_.arm_at(deadline.time_since_epoch()));
    }
}

} // namespace sesslimit::fleet::bench
