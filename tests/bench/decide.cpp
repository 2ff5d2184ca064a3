// SPDX-License-Identifier: MIT
// Benchmark of the core alone: the cost of one event for a given number of sessions in the state. For comparison it
// measures a lookup in a std::map with the same number of entries of the same size. That shows the cost of
// "logarithmic" on this machine, including cache effects.
#include "daemon/core/decide.hpp"
#include "daemon/core/state.hpp"
#include "daemon/policy/load.hpp"

#include <benchmark/benchmark.h>

#include <map>
#include <memory>
#include <random>
#include <string>

using namespace sesslimit;

namespace {

constexpr BootTime now{std::chrono::hours(100)};
constexpr std::size_t per_user = 3;

constexpr const char* policy_text = R"(version = 1
[defaults]
max_sessions = 10
max_duration = "12h"
idle_timeout = "2h"
warn_before  = ["5min", "1min"]
[[rule]]
name         = "from afar"
match.origin = ["192.0.2.0/24", "!192.0.2.128/25"]
max_sessions = 5
[[rule]]
name         = "services"
match.uid    = ["1-99999"]
match.method = ["publickey"]
max_duration = "30d"
[[rule]]
name         = "root"
match.uid    = ["0"]
exempt       = true
)";

class NoNames final : public policy::Names {
  public:
    std::optional<uid_t> user(const std::string&) override { return std::nullopt; }
    std::optional<gid_t> group(const std::string&) override { return std::nullopt; }
};

const policy::Policy& rules() {
    static const policy::Policy policy = [] {
        NoNames names;
        return policy::load({{"bench.toml", policy::Tier::host, policy_text}}, names).policy.value();
    }();
    return policy;
}

Login login_of(uid_t uid) {
    Login login;
    login.user = "user" + std::to_string(uid);
    login.uid = uid;
    login.gids = {20, 44, 100, uid};
    login.service = "sshd";
    login.tty = "ssh";
    login.rhost = "192.0.2.7";
    login.credential = {.method = "publickey", .fingerprint = "SHA256:uNiVztksCsDhcc0u9e8BrrkUv5FyPpqS3N8B2MRVZNs"};
    login.connection = "192.0.2.7 51234 192.0.2.1 22";
    return login;
}

core::Session session_of(std::size_t number) {
    core::Session session;
    session.key = SessionKey{number + 1};
    session.phase = core::Phase::active;
    session.terminal = core::Terminal::some;
    session.login = login_of(static_cast<uid_t>(100'000 + number / per_user));
    session.leader = {.pid = static_cast<pid_t>(number + 2), .mark = number};
    session.logind_id = std::to_string(number);
    session.scope = "session-" + session.logind_id + ".scope";
    session.opened = session.admitted = session.last_input = now - std::chrono::minutes(number % 60);
    session.max_duration = std::chrono::hours(12);
    session.idle_timeout = session.idle_timeout_no_terminal = std::chrono::hours(2);
    session.due = now + Duration(static_cast<std::int64_t>(number));
    return session;
}

/// Keeps one state at a time, because a million sessions need more than a GiB.
const core::State& state_of(std::size_t sessions) {
    static std::unique_ptr<core::State> state;
    static std::size_t has = 0;
    if (!state || has != sessions) {
        state.reset();
        state = std::make_unique<core::State>();
        for (std::size_t number = 0; number < sessions; ++number) {
            state->put(session_of(number));
        }
        has = sessions;
    }
    return *state;
}

std::size_t sessions_of(const benchmark::State& run) {
    return static_cast<std::size_t>(run.range(0));
}

/// Pseudorandom session numbers.
class Numbers {
  public:
    explicit Numbers(std::size_t sessions) : sessions_(sessions) {}
    std::size_t next() { return random_() % sessions_; }

  private:
    std::size_t sessions_;
    std::minstd_rand random_{1};
};

template <class MakeEvent>
void decide_each(benchmark::State& run, const MakeEvent& event) {
    const policy::Policy& policy = rules(); // loaded outside the measurement
    const core::State& state = state_of(sessions_of(run));
    Numbers numbers(sessions_of(run));
    for ([[maybe_unused]] auto _ : run) {
        benchmark::DoNotOptimize(decide(policy, state, event(numbers.next()), now));
    }
}

void opened(benchmark::State& run) {
    decide_each(run, [](std::size_t number) -> core::Event {
        return core::OpenRequested{.request = RequestId{1},
                                   .login = login_of(static_cast<uid_t>(100'000 + number / per_user)),
                                   .leader = {.pid = 4'000'000, .mark = 1},
                                   .budget = std::chrono::seconds(2)};
    });
}

void closed(benchmark::State& run) {
    decide_each(run, [](std::size_t number) -> core::Event {
        return core::CloseRequested{RequestId{1}, SessionKey{number + 1}, {}};
    });
}

void looked(benchmark::State& run) {
    decide_each(run, [](std::size_t number) -> core::Event {
        core::ActivityProbed event;
        event.session = SessionKey{number + 1};
        event.sample.emplace().input = Duration{}; // a terminal without input
        return event;
    });
}

void timer_due(benchmark::State& run) {
    decide_each(run, [](std::size_t) -> core::Event { return core::TimerExpired{}; });
}

void leader_exited(benchmark::State& run) {
    decide_each(run, [](std::size_t number) -> core::Event { return core::LeaderExited{SessionKey{number + 1}}; });
}

/// decide() and apply() for a login and its logout.
void login_and_logout(benchmark::State& run) {
    core::State state = state_of(sessions_of(run));
    Numbers numbers(sessions_of(run));
    for ([[maybe_unused]] auto _ : run) {
        const SessionKey key = state.next_key();
        const Leader leader{.pid = 4'000'000, .mark = 1};
        const auto uid = static_cast<uid_t>(100'000 + numbers.next() / per_user);
        apply(state, decide(rules(), state, core::OpenRequested{RequestId{1}, login_of(uid), leader, {}}, now));
        apply(state, decide(rules(), state, core::CloseRequested{RequestId{2}, key, leader}, now));
        apply(state, decide(rules(), state, core::LeaderExited{key}, now));
    }
    run.SetItemsProcessed(3 * run.iterations()); // events
}

void map_lookup(benchmark::State& run) {
    static std::map<std::size_t, core::Session> map;
    if (map.size() != sessions_of(run)) {
        map.clear();
        for (std::size_t number = 0; number < sessions_of(run); ++number) {
            map.emplace(number, session_of(number));
        }
    }
    Numbers numbers(sessions_of(run));
    for ([[maybe_unused]] auto _ : run) {
        const core::Session found = map.find(numbers.next())->second; // decide() copies the session, too
        benchmark::DoNotOptimize(&found);
    }
    if (run.range(0) >= 1'000'000) {
        map.clear();
    }
}

void sizes(benchmark::internal::Benchmark* which) {
    which->RangeMultiplier(10)->Range(10, 1'000'000)->MinTime(0.05);
}

BENCHMARK(map_lookup)->Apply(sizes);
BENCHMARK(opened)->Apply(sizes);
BENCHMARK(closed)->Apply(sizes);
BENCHMARK(looked)->Apply(sizes);
BENCHMARK(timer_due)->Apply(sizes);
BENCHMARK(leader_exited)->Apply(sizes);
BENCHMARK(login_and_logout)->Apply(sizes);

} // namespace

BENCHMARK_MAIN();
