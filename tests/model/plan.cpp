// SPDX-License-Identifier: MIT
#include "tests/model/plan.hpp"

#include "common/duration.hpp"
#include "daemon/policy/match.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <random>

namespace sesslimit::model {
namespace {

using namespace std::chrono_literals;

template <class Value, std::size_t count>
Value one_of(std::mt19937& random, const std::array<Value, count>& values) {
    return values[random() % count];
}

using MaybeCount = std::optional<policy::Count>;
using MaybeSpan = std::optional<Duration>;

policy::Rule rule_of(SharedLimit total, const MaybeCount& max, const MaybeCount& most) {
    policy::Match match;
    if (total == SharedLimit::team) {
        match.group.any = {{"team", team_gid}};
    } else {
        match.service.any = {"sshd"};
    }
    policy::Rule rule;
    rule.match = std::make_shared<const policy::Match>(match);
    rule.source = source_of(total);
    if (max) {
        rule.settings.max_sessions = policy::Setting<policy::Count>{*max, rule.source, 1};
    }
    if (most) {
        rule.max_sessions_total = policy::Setting<policy::Count>{*most, rule.source, 1};
    }
    return rule;
}

policy::Rule exemption() {
    policy::Match match;
    match.user.any = {{"carol", carol}};
    policy::Rule rule;
    rule.match = std::make_shared<const policy::Match>(match);
    rule.exempt = true;
    rule.source = policy::SourceId{2};
    return rule;
}

bool in_team(const Login& login) {
    return std::ranges::find(login.gids, team_gid) != login.gids.end();
}

bool is_exempt(const Plan& plan, const Login& login) {
    return plan.carol_is_exempt && login.uid == carol;
}

std::string number(const MaybeCount& count) {
    return count ? std::to_string(*count) : "-";
}

std::string span(const MaybeSpan& value) {
    return value ? format_span(*value) : "-";
}

} // namespace

Plan plan_of(std::uint32_t number) {
    constexpr std::array at_limits{policy::AtLimit::deny, policy::AtLimit::end_oldest, policy::AtLimit::end_idlest};
    constexpr std::array<MaybeCount, 6> counts{MaybeCount{}, 0U, 1U, 1U, 2U, 3U};
    constexpr std::array<MaybeCount, 5> more{MaybeCount{}, MaybeCount{}, 1U, 2U, 4U};
    constexpr std::array<MaybeSpan, 3> durations{MaybeSpan{}, 60s, 20min};
    constexpr std::array<MaybeSpan, 3> idles{MaybeSpan{}, 20s, 5min};
    std::mt19937 random(number);
    Plan plan;
    plan.defaults.max = one_of(random, counts);
    plan.defaults.duration = one_of(random, durations);
    plan.defaults.idle = one_of(random, idles);
    if (random() % 2 == 0) {
        plan.defaults.warn = std::vector<Duration>{5s, 2s};
    }
    plan.defaults.at_limit = one_of(random, at_limits);
    if (random() % 4 == 0) {
        plan.defaults.displace_idle = 2min;
    }
    if (random() % 5 == 0) {
        plan.defaults.mode = policy::Mode::observe;
    }
    if (random() % 4 == 0) {
        plan.defaults.count_left_behind = policy::CountLeftBehind::yes;
    }
    if (random() % 4 == 0) {
        plan.defaults.limit_left_behind = policy::LimitLeftBehind::yes;
    }
    if (random() % 5 < 2) {
        plan.defaults.fleet = 1 + static_cast<policy::Count>(random() % 3);
        plan.defaults.on_fleet_error = random() % 3 == 0 ? policy::OnFleetError::deny : policy::OnFleetError::local;
    }
    plan.managed_max = random() % 4 == 0 ? MaybeCount{3} : MaybeCount{};
    plan.team_max = one_of(random, more);
    plan.team_total = one_of(random, more);
    plan.ssh_total = one_of(random, more);
    plan.carol_is_exempt = random() % 2 == 0;
    return plan;
}

policy::Policy policy_of(const Plan& plan) {
    policy::Policy policy = test::policy_of(plan.defaults);
    if (plan.managed_max) {
        policy.managed.defaults.max_sessions = policy::Setting<policy::Count>{*plan.managed_max};
    }
    policy.host.rules = {rule_of(SharedLimit::team, plan.team_max, plan.team_total),
                         rule_of(SharedLimit::ssh, {}, plan.ssh_total)};
    if (plan.carol_is_exempt) {
        policy.host.rules.push_back(exemption());
    }
    for (const char* name : {"team", "ssh", "exempt"}) {
        policy.sources.push_back({policy::Tier::host, name, "policy.toml", 1});
    }
    return policy;
}

policy::SourceId source_of(SharedLimit total) {
    return policy::SourceId{static_cast<std::uint16_t>(total)};
}

std::uint32_t most_of(const Plan& plan, SharedLimit total) {
    return (total == SharedLimit::team ? plan.team_total : plan.ssh_total).value_or(no_limit);
}

bool counts(const Login& login) {
    return login.service != "cron" && !login.nested;
}

Bounds bounds_of(const Plan& plan, const Login& login) {
    Bounds bounds;
    bounds.own = plan.managed_max.value_or(no_limit);
    bounds.grace = 5min;
    if (is_exempt(plan, login)) {
        return bounds;
    }
    const bool of_team = in_team(login);
    bounds.fleet = plan.defaults.fleet.value_or(no_limit);
    bounds.denies_unanswered = plan.defaults.on_fleet_error == policy::OnFleetError::deny;
    bounds.own = std::min(bounds.own, of_team && plan.team_max ? *plan.team_max : plan.defaults.max.value_or(no_limit));
    if (of_team && plan.team_total) {
        bounds.shared_limits.push_back(SharedLimit::team);
    }
    if (login.service == "sshd" && plan.ssh_total) {
        bounds.shared_limits.push_back(SharedLimit::ssh);
    }
    // A tier without a mode enforces its limits, regardless of the mode of the other tier.
    bounds.enforced = plan.defaults.mode != policy::Mode::observe || plan.managed_max;
    bounds.counts_left = plan.defaults.count_left_behind == policy::CountLeftBehind::yes;
    bounds.limits_left = plan.defaults.limit_left_behind == policy::LimitLeftBehind::yes;
    bounds.duration = plan.defaults.duration.value_or(unlimited_duration);
    bounds.idle = plan.defaults.idle.value_or(unlimited_duration);
    return bounds;
}

std::string described(const Plan& plan) {
    constexpr std::string_view at_limits[] = {"deny", "end-idlest", "end-oldest"};
    const test::Rules& defaults = plan.defaults;
    return "max " + number(defaults.max) + ", duration " + span(defaults.duration) + ", idle " + span(defaults.idle) +
           (defaults.warn ? ", warns" : "") + ", at_limit " +
           std::string(at_limits[static_cast<std::size_t>(*defaults.at_limit)]) + ", displace_idle " +
           span(defaults.displace_idle) + (defaults.mode ? ", observe" : "") + ", managed max " +
           number(plan.managed_max) + ", team max " + number(plan.team_max) + ", team total " +
           number(plan.team_total) + ", ssh total " + number(plan.ssh_total) +
           (plan.defaults.count_left_behind ? ", counts left-behind" : "") +
           (plan.defaults.limit_left_behind ? ", limits left-behind" : "") +
           (plan.defaults.fleet ? ", fleet " + number(plan.defaults.fleet) : "") +
           (plan.defaults.on_fleet_error == policy::OnFleetError::deny ? ", denies without the fleet" : "") +
           (plan.carol_is_exempt ? ", carol exempt" : "");
}

} // namespace sesslimit::model
