// SPDX-License-Identifier: MIT
#include "daemon/policy_store/name_retry.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <string>
#include <utility>
#include <vector>

namespace {

using namespace sesslimit;
using namespace std::chrono_literals;

/// The daemon made up: its clock is whoever calls ring(), its worker whoever calls answer().
struct Bench {
    std::optional<Duration> armed;
    std::vector<std::function<void(std::optional<policy::Loaded>)>> asked;
    int found = 0;
    policy_store::NameRetry search{{.arm = [this](std::optional<Duration> pause) { armed = pause; },
                                    .ask = [this](auto then) { asked.push_back(std::move(then)); },
                                    .found = [this](const policy::Policy&) { ++found; }}};

    /// The timer rings: once.
    void ring() {
        armed.reset();
        search.due();
    }
    /// So many names are missing; nothing: the texts do not make a policy.
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

void names_that_are_missing_are_looked_for_less_and_less_often() {
    Bench bench;
    bench.search.begin(2);
    for (const Duration pause : {5s, 10s, 20s, 40s, 80s, 160s, 320s, 640s, 1280s, 2560s, 3600s, 3600s}) {
        EXPECT(bench.armed == pause, std::to_string(pause.count()));
        bench.ring();
        EXPECT(!bench.armed, "not while it is being looked");
        bench.answer(2);
    }
    EXPECT(bench.found == 0 && bench.asked.size() == 12, "nothing new");
}

void a_policy_with_all_its_names_is_left_alone() {
    Bench bench;
    bench.search.begin(0);
    EXPECT(!bench.armed && bench.asked.empty(), "none is missing");
    bench.search.begin(1);
    bench.search.begin(0);
    EXPECT(!bench.armed, "of the new one");
}

void what_has_come_is_taken() {
    Bench bench;
    bench.search.begin(2);
    bench.ring();
    bench.answer(1);
    EXPECT(bench.found == 1 && bench.armed == 10s, "one, and on");
    bench.ring();
    bench.answer(1);
    EXPECT(bench.found == 1 && bench.armed == 20s, "the other is still missing");
    bench.ring();
    bench.answer(0);
    EXPECT(bench.found == 2 && !bench.armed, "both");
}

void what_cannot_be_looked_up_is_missing_as_before() {
    Bench bench;
    bench.search.begin(2);
    bench.ring();
    bench.answer(std::nullopt);
    EXPECT(bench.found == 0 && bench.armed == 10s, "the file was not there");
    bench.ring();
    bench.answer(1);
    EXPECT(bench.found == 1, "one of the two");
    bench.ring();
    bench.answer(2);
    EXPECT(bench.found == 1 && bench.armed == 40s, "a directory that went away takes nothing back");
}

void an_answer_about_another_policy_is_not_taken() {
    for (const std::size_t missing : {std::size_t{0}, std::size_t{3}}) { // of the new one
        Bench bench;
        bench.search.begin(2);
        bench.ring();
        bench.search.begin(missing);
        const auto armed = bench.armed;
        bench.answer(0, 1);
        EXPECT(bench.found == 0 && bench.armed == armed, "as if it had not come");
        EXPECT(armed == (missing > 0 ? std::optional<Duration>(5s) : std::nullopt), "anew");
    }
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(names_that_are_missing_are_looked_for_less_and_less_often),
        SESSLIMIT_TEST(a_policy_with_all_its_names_is_left_alone),
        SESSLIMIT_TEST(what_has_come_is_taken),
        SESSLIMIT_TEST(what_cannot_be_looked_up_is_missing_as_before),
        SESSLIMIT_TEST(an_answer_about_another_policy_is_not_taken),
    };
    return cmocka_run_group_tests_name("search", tests, nullptr, nullptr);
}
