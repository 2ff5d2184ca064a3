// SPDX-License-Identifier: MIT
// Random scripts of events against a model. Without arguments: a short run, the same each time.
//   model_test [EVENTS [SEED]]      EVENTS at least, from the script of that seed on
#include "tests/model/host.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace sesslimit::model;

constexpr std::uint64_t usual_events = 60'000;
constexpr std::uint64_t usual_seed = 1;
constexpr std::uint64_t twice = 8; ///< every so many scripts are run a second time, to the same end

/// Says what a script has come to, and what is left of it when all is taken away that it fails without.
int report(const Script& script, std::uint64_t seed) {
    const Script shortest = shrunk(script, [](const Script& part) { return !Host::run(part).wrong.empty(); });
    std::printf("seed %llu: %s\nof %zu steps these %zu are left: %s\n%s", static_cast<unsigned long long>(seed),
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
            std::printf("seed %llu: the same script comes to something else\n", static_cast<unsigned long long>(seed));
            return 1;
        }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::printf("%llu events in %llu scripts, up to seed %llu: all as it should be, %.0f events/s\n",
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
