// SPDX-License-Identifier: MIT
// Runs random scripts of events against a model. Without arguments the run is short and always the same.
//   model_test [EVENTS [SEED]]      runs at least EVENTS events, beginning with the script of SEED
#include "tests/model/host.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace sesslimit::model;

constexpr std::uint64_t usual_events = 60'000;
constexpr std::uint64_t usual_seed = 1;
constexpr std::uint64_t twice = 8; ///< interval of scripts that are run twice and must give the same log

/// Prints the error of a script, and the shortest part of the script that still fails.
int report(const Script& script, std::uint64_t seed) {
    const Script shortest = shrunk(script, [](const Script& part) { return !Host::run(part).wrong.empty(); });
    std::printf("seed %llu: %s\nof %zu steps, these %zu still fail: %s\n%s", static_cast<unsigned long long>(seed),
                Host::run(script).wrong.c_str(), script.size(), shortest.size(), Host::run(shortest).wrong.c_str(),
                described(shortest).c_str());
    return 1;
}

int run(std::uint64_t events, std::uint64_t seed) {
    const auto began = std::chrono::steady_clock::now();
    std::uint64_t done = 0;
    std::uint64_t scripts = 0;
    for (; done < events; ++scripts, ++seed) {
        const Script script = script_of(seed);
        const Outcome outcome = Host::run(script);
        done += outcome.events;
        if (!outcome.wrong.empty()) {
            return report(script, seed);
        }
        if (scripts % twice == 0 && Host::run(script).log != outcome.log) {
            std::printf("seed %llu: the same script gives another log\n", static_cast<unsigned long long>(seed));
            return 1;
        }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::printf("%llu events in %llu scripts, up to seed %llu: no errors, %.0f events/s\n",
                static_cast<unsigned long long>(done), static_cast<unsigned long long>(scripts),
                static_cast<unsigned long long>(seed - 1), static_cast<double>(done) / took.count());
    return done == 0 ? 1 : 0;
}

} // namespace

int main(int count, char** words) {
    const auto number = [&](int at, std::uint64_t usual) {
        return count > at ? std::strtoull(words[at], nullptr, 10) : usual;
    };
    return run(number(1, usual_events), number(2, usual_seed));
}
