// SPDX-License-Identifier: MIT
#include "daemon/policy_store/name_retry.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <string>
#include <utility>
#include <vector>

namespace {

using namespace sesslimit;
using namespace std::chrono_literals;

/// A simulated daemon: ring() lets its timer expire, answer() returns a result of its worker.
struct Bench {
    std::optional<Duration> armed;
    std::vector<std::function<void(std::optional<policy::Loaded>)>> asked;
    int found = 0;
    policy_store::NameRetry search{{.arm = [this](std::optional<Duration> pause) { armed = pause; },
                                    .ask = [this](auto then) { asked.push_back(std::move(then)); },
                                    .found = [this](const policy::Policy&) { ++found; }}};

    /// Lets the timer expire once.
    void ring() {
        armed.reset();
        search.due();
    }
    /// Reports a lookup with this number of missing names, or without a value a failure to load the policy.
    void answer(std::size_t question, std::optional<std::size_t> missing) const {
        std::optional<policy::Loaded> again;
        if (missing) {
            again.emplace();
            again->policy.emplace();
            again->problems.resize(*missing);
            again->unresolved = *missing > 0;
        }
        asked.at(question)(std::move(again));
    }
    void answer(std::optional<std::size_t> missing) const { answer(asked.size() - 1, missing); }
};

SESSLIMIT_TEST(missing_names_retried_with_growing_interval) {
    Bench bench;
    bench.search.begin(2);
    for (const Duration pause : {5s, 10s, 20s, 40s, 80s, 160s, 320s, 640s, 1280s, 2560s, 3600s, 3600s}) {
        EXPECT(bench.armed == pause, std::to_string(pause.count()));
        bench.ring();
        EXPECT(!bench.armed, "no timer during the lookup");
        bench.answer(2);
    }
    EXPECT(bench.found == 0 && bench.asked.size() == 12, "no name was found");
}

SESSLIMIT_TEST(policy_without_missing_names_not_retried) {
    Bench bench;
    bench.search.begin(0);
    EXPECT(!bench.armed && bench.asked.empty(), "no name is missing");
    bench.search.begin(1);
    bench.search.begin(0);
    EXPECT(!bench.armed, "the new policy has no missing name");
}

SESSLIMIT_TEST(found_names_applied) {
    Bench bench;
    bench.search.begin(2);
    bench.ring();
    bench.answer(1);
    EXPECT(bench.found == 1 && bench.armed == 10s, "one is found, and the retry continues");
    bench.ring();
    bench.answer(1);
    EXPECT(bench.found == 1 && bench.armed == 20s, "the other is still missing");
    bench.ring();
    bench.answer(0);
    EXPECT(bench.found == 2 && !bench.armed, "both are found");
}

SESSLIMIT_TEST(failed_lookup_changes_nothing) {
    Bench bench;
    bench.search.begin(2);
    bench.ring();
    bench.answer(std::nullopt);
    EXPECT(bench.found == 0 && bench.armed == 10s, "the cache file was missing");
    bench.ring();
    bench.answer(1);
    EXPECT(bench.found == 1, "one of the two is found");
    bench.ring();
    bench.answer(2);
    EXPECT(bench.found == 1 && bench.armed == 40s, "an unavailable directory removes no found name");
}

SESSLIMIT_TEST(result_for_previous_policy_ignored) {
    for (const std::size_t missing : {std::size_t{0}, std::size_t{3}}) { // missing in the new policy
        Bench bench;
        bench.search.begin(2);
        bench.ring();
        bench.search.begin(missing);
        const auto armed = bench.armed;
        bench.answer(0, 1);
        EXPECT(bench.found == 0 && bench.armed == armed, "the result is ignored");
        EXPECT(armed == (missing > 0 ? std::optional<Duration>(5s) : std::nullopt), "the interval starts over");
    }
}

} // namespace
