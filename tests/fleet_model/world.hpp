// SPDX-License-Identifier: MIT
#pragma once

#include "tests/fleet_model/store.hpp"

#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <vector>

/// A fleet of simulated hosts, each with an Agent and a simple daemon, and a store that they reach over an unreliable
/// network. The same seed has the same result.
namespace sesslimit::fleet::model {

/// The faults of a run. Their times and places depend on the seed.
struct Faults {
    bool network = false; ///< Requests and replies are lost and delayed by up to 10 s.
    bool hosts = false;   ///< Hosts are cut off and crash, agents and daemons restart, connections close.
    bool store = false;   ///< The store does not answer for some time. Records are deleted, and leases are revoked.
};

struct Figures {
    std::size_t claims = 0, granted = 0, full = 0, unknown = 0, repaired = 0, over_limit = 0, most_excess = 0;
};

class World {
  public:
    World(std::uint32_t seed, std::size_t hosts, Faults faults);
    ~World();

    /// Lets users log in and out for `span`, with faults, and then waits without faults and checks that each record
    /// belongs to a session.
    void run(Duration span);
    /// Lets `count` users of the same name log in at once, while another host occupies `beyond` slots beyond the limit.
    /// Returns the number of granted claims.
    std::size_t storm(const std::string& user, std::uint32_t limit, std::size_t count, std::uint32_t beyond);

    /// The first violated property; empty: none.
    [[nodiscard]] const std::string& wrong() const { return wrong_; }
    [[nodiscard]] const Figures& figures() const { return figures_; }

  private:
    struct Login {
        std::string user;
        std::uint32_t limit = 0;
        BootTime asked{};
        bool answered = false;
        bool excused = false; ///< The host admitted it alone.
    };
    struct Host final : Effects {
        Host(World& owner, std::size_t index) : world(owner), name("host" + std::to_string(index)) {}

        void call(std::uint64_t id, const Call& call) override { world.deliver(*this, id, call); }
        void answer(std::uint64_t session, const Answer& answer) override { world.hear(*this, session, answer); }
        void state_changed(bool, const std::string&) override {}
        void over_limit(const Session&) override { ++world.figures_.over_limit; }
        void repairing(std::size_t count) override { world.figures_.repaired += count; }

        World& world;
        std::string name;
        std::unique_ptr<Agent> agent;
        std::map<std::uint64_t, Login> logins; ///< Logins of the daemon that are being decided, and its sessions.
        std::uint64_t last_key = 0;
        std::uint64_t boots = 0;
        std::uint64_t incarnation = 0; ///< Number of the agent, so that replies to an earlier one are dropped.
        BootTime wakes = never;
        bool cut_off = false;
        bool connected = true;        ///< The daemon is connected to the agent.
        bool listing = false;         ///< The daemon has not ended its list.
        std::uint64_t connection = 0; ///< Number of the connection, so that the end of an earlier list is dropped.
    };

    void at(Duration delay, std::function<void()> what);
    void pass(Duration span);
    void wake(Host& host);
    void boot(Host& host);
    void start_agent(Host& host);
    void list(Host& host);
    static void disconnect(Host& host);
    void login(Host& host, const std::string& user, std::uint32_t limit);
    void log_in_soon(Host& host);
    void logout(Host& host);
    void release(Host& host, std::uint64_t key);
    void hear(Host& host, std::uint64_t key, const Answer& answer);
    void check_holders(const Host& host, const Login& login, const Answer& answer);
    void deliver(Host& host, std::uint64_t id, const Call& call);
    void fault();
    void host_fault(Host& host);
    void created(const std::string& key, const std::string& value);
    void deleted(const std::string& key);
    void check_quiet();
    void fail(const std::string& what);
    [[nodiscard]] std::pair<Host*, Login*> login_of(const SlotRecord& record);
    [[nodiscard]] static Session session_of(const Host& host, std::uint64_t key, const Login& login);
    [[nodiscard]] std::vector<std::int64_t> slots_of(const Host& host, std::uint64_t session) const;
    [[nodiscard]] std::size_t pick(std::size_t count);
    [[nodiscard]] bool chance(int percent) { return pick(100) < static_cast<std::size_t>(percent); }
    [[nodiscard]] Duration between(Duration least, Duration most);

    struct Event {
        BootTime when;
        std::uint64_t order;
        std::shared_ptr<std::function<void()>> what;
        bool operator>(const Event& other) const { return std::pair(when, order) > std::pair(other.when, other.order); }
    };

    std::mt19937 random_;
    Faults faults_;
    Store store_;
    BootTime now_{std::chrono::hours(1)};
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
    std::uint64_t order_ = 0;
    bool store_down_ = false;
    bool faulty_ = false;
    std::vector<std::unique_ptr<Host>> hosts_;
    Keys keys_{"fleet", "model"};
    Figures figures_;
    std::string wrong_;
};

} // namespace sesslimit::fleet::model
