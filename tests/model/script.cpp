// SPDX-License-Identifier: MIT
#include "tests/model/script.hpp"

#include "tests/model/plan.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <span>

namespace sesslimit::model {
namespace {

/// Relative frequency of each kind.
constexpr std::array<unsigned, kinds> weights{12, 3, 10, 1, 5, 5, 5, 2, 3, 4, 3, 2, 3, 1, 1, 9, 6, 1, 1, 3, 2, 14, 1};

constexpr std::array<std::string_view, kinds> names{
    "open", "ask_again", "show",  "greeter", "close", "die",  "forget", "hang_up", "end",   "type",   "hear",   "look",
    "send", "groups",    "adopt", "wait",    "stay",  "leap", "clock",  "policy",  "fleet", "answer", "restart"};

Script without(const Script& script, std::size_t from, std::size_t count) {
    Script rest;
    for (std::size_t at = 0; at < script.size(); ++at) {
        if (at < from || at >= from + count) {
            rest.push_back(script[at]);
        }
    }
    return rest;
}

} // namespace

Script script_of(std::uint64_t seed) {
    std::seed_seq seeds{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32U)};
    std::mt19937 random(seeds);
    const auto number = [&random] { return static_cast<std::uint32_t>(random()); };
    std::discrete_distribution<unsigned> kind(weights.begin(), weights.end());
    Script script(20 + number() % 100);
    script.front() = {.what = What::policy, .how = number()};
    // Some hosts have few processes, so that more happens to each of them.
    const std::uint32_t crowd = 2 + number() % 30;
    for (Step& step : std::span(script).subspan(1)) {
        step.what = What{static_cast<std::uint8_t>(kind(random))};
        step.who = number() % crowd;
        step.how = number();
        step.more = number();
    }
    return script;
}

Script shrunk(Script script, const std::function<bool(const Script&)>& fails) {
    for (std::size_t size = script.size() / 2; size > 0;) {
        bool shorter = false;
        for (std::size_t from = 0; from < script.size();) {
            Script rest = without(script, from, size);
            if (fails(rest)) {
                script = std::move(rest);
                shorter = true;
            } else {
                from += size;
            }
        }
        size = shorter && size == 1 ? 1 : size / 2;
    }
    return script;
}

std::string described(const Script& script) {
    std::string text;
    for (const Step& step : script) {
        text += "  " + std::string(names[static_cast<std::size_t>(step.what)]) + ' ' + std::to_string(step.who) + ' ' +
                std::to_string(step.how) + ' ' + std::to_string(step.more);
        text += step.what == What::policy ? ": " + described(plan_of(step.how)) + '\n' : "\n";
    }
    return text;
}

} // namespace sesslimit::model
