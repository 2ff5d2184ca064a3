// SPDX-License-Identifier: MIT
#include "ctl/policy_edit/effect.hpp"

#include "daemon/policy/explain.hpp"
#include "daemon/policy/read.hpp"
#include "daemon/policy/resolve.hpp"

#include <algorithm>
#include <span>

namespace sesslimit::policy_edit {
namespace {

using policy::Policy;
using policy::Rule;
using policy::Settings;
using policy::SourceId;
using policy::Tier;

/// Returns a policy without rules, in which [defaults] of each tier has the given settings. explain() of this policy
/// determines which of the settings are effective. All locations are those of `policy`.
Policy two_tiers(const Policy& policy, const Settings& managed, const Settings& host) {
    Policy made;
    made.managed.defaults = managed;
    made.host.defaults = host;
    made.sources = policy.sources;
    return made;
}

SetValue set_value(const policy::ExplainedSetting& setting) {
    if (setting.from == nullptr) {
        return {setting.value, {}, {}, {}, 0};
    }
    return {setting.value, setting.from->tier, setting.from->rule, setting.from->file, setting.line};
}

/// Returns the effective values of a setting in a policy without rules. Only warn_before may have several values.
std::vector<SetValue> values_of(const Policy& policy, const std::string& key) {
    std::vector<SetValue> values;
    for (const policy::ExplainedSetting& setting : policy::explain(policy, {}).settings) {
        if (setting.name == key) {
            values.push_back(set_value(setting));
        }
    }
    return values;
}

/// Returns a copy of the settings that contains only one of them.
Settings only(const Settings& settings, const std::string& key) {
    Settings made;
    policy::for_each_setting(
        [&](std::string_view name, auto& copy, const auto& original) {
            if (name == key) {
                copy = original;
            }
        },
        made, settings);
    return made;
}

/// Returns the settings that apply if a login matches one rule. They are those of the rule, and those of [defaults]
/// that the rule does not set.
Settings overlaid(const Settings& defaults, const Settings& rule) {
    Settings made = defaults;
    policy::for_each_setting(
        [](std::string_view, auto& copy, const auto& setting) {
            if (setting) {
                copy = setting;
            }
        },
        made, rule);
    return made;
}

bool has(const Settings& settings, const std::string& key) {
    bool found = false;
    policy::for_each_setting(
        [&](std::string_view name, const auto& setting) { found = found || (name == key && setting); }, settings);
    return found;
}

/// Returns the value of one setting in a table.
SetValue own_value(const Policy& policy, const Settings& settings, const std::string& key) {
    const auto values = values_of(two_tiers(policy, only(settings, key), {}), key);
    return values.empty() ? SetValue{} : values.front();
}

bool is_from(const SetValue& value, const std::string& file, const std::string& rule) {
    return value.tier == Tier::host && value.file == file && value.rule == rule;
}

bool same_place(const SetValue& one, const SetValue& other) {
    return one.tier == other.tier && one.file == other.file && one.line == other.line;
}

/// Returns true if `other` determines the value of a setting beside `ours`, regardless of the tiers of both. If only
/// one of the two orders is decisive, neither value is stricter.
bool is_stricter(const Policy& policy, const Settings& other, const Settings& ours, const std::string& key) {
    const SetValue wanted = own_value(policy, other, key);
    const auto wins = [&](const Settings& managed, const Settings& host) {
        const auto values = values_of(two_tiers(policy, only(managed, key), only(host, key)), key);
        return values.size() == 1 && same_place(values.front(), wanted);
    };
    return wins(other, ours) && wins(ours, other);
}

const Rule* find_rule(const Policy& policy, const std::string& file, const std::string& name) {
    const auto found = std::ranges::find_if(policy.host.rules, [&](const Rule& rule) {
        const policy::Source* source = policy::source_of(policy, rule.source);
        return source != nullptr && source->rule == name && source->file == file;
    });
    return found == policy.host.rules.end() ? nullptr : &*found;
}

template <class Wanted>
std::vector<SetValue> rules_with(const Policy& policy, const std::string& key, const Wanted& wanted) {
    std::vector<SetValue> found;
    for (const policy::TierPolicy* tier : {&policy.managed, &policy.host}) {
        for (const Rule& rule : tier->rules) {
            if (found.size() < max_listed_rules && has(rule.settings, key) && wanted(rule)) {
                found.push_back(own_value(policy, rule.settings, key));
            }
        }
    }
    return found;
}

/// Returns the effect of a setting, if `host` are the settings of its table.
Effect effect_beside_managed(const Policy& policy, const Settings& host, const std::string& file,
                             const std::string& rule, const std::string& key) {
    Effect effect;
    const Policy both = two_tiers(policy, policy.managed.defaults, host);
    const auto values = values_of(both, key);
    const auto ours = std::ranges::find_if(values, [&](const SetValue& value) { return is_from(value, file, rule); });
    effect.applies = ours != values.end() ? *ours : values.empty() ? SetValue{} : values.front();
    if (const policy::Limits limits = policy::resolve(both, {});
        limits.mode.value == policy::Mode::observe && key != "mode") {
        effect.observed_by = policy::location_of(policy, limits.mode.from, limits.mode.line);
    }
    const SetValue own = has(host, key) ? own_value(policy, host, key) : SetValue{};
    if (!is_from(own, file, rule)) {
        effect.kind = own.tier ? Effect::Kind::later_file : Effect::Kind::not_set;
    } else if (ours != values.end()) {
        effect.kind = Effect::Kind::in_effect;
    } else if (effect.applies->value == own.value) {
        effect.kind = Effect::Kind::same_value;
    } else {
        const bool stricter = is_stricter(policy, policy.managed.defaults, host, key);
        effect.kind = stricter ? Effect::Kind::stricter : Effect::Kind::preferred;
    }
    return effect;
}

/// Returns the effect of ignore_services, whose lists in both tiers apply together.
Effect effect_of_services(const Policy& policy, const std::string& file) {
    Effect effect;
    if (const auto& services = policy.host.ignore_services) {
        const policy::Location at = policy::location_of(policy, services->from, services->line);
        effect.kind = at.file == file ? Effect::Kind::in_effect : Effect::Kind::later_file;
        effect.applies = SetValue{.value = {}, .tier = Tier::host, .rule = {}, .file = at.file, .line = at.line};
    }
    return effect;
}

} // namespace

Effect effect_of(const Policy& policy, const std::string& file, const std::string& rule, const std::string& key) {
    const std::span<const std::string_view> keys = policy::setting_keys();
    if (std::ranges::find(keys, key) == keys.end()) {
        Effect effect{.kind = Effect::Kind::in_effect, .applies = {}, .rules = {}, .observed_by = {}};
        return rule.empty() && key == "ignore_services" ? effect_of_services(policy, file) : effect;
    }
    if (rule.empty()) {
        Effect effect = effect_beside_managed(policy, policy.host.defaults, file, rule, key);
        effect.rules = rules_with(policy, key, [](const Rule&) { return true; });
        return effect;
    }
    const Rule* ours = find_rule(policy, file, rule);
    const Settings host = ours == nullptr ? policy.host.defaults : overlaid(policy.host.defaults, ours->settings);
    Effect effect = effect_beside_managed(policy, host, file, rule, key);
    if (ours == nullptr || !has(ours->settings, key)) {
        effect.kind = Effect::Kind::not_set;
        return effect;
    }
    effect.rules = rules_with(policy, key, [&](const Rule& other) {
        return &other != ours && is_stricter(policy, other.settings, ours->settings, key);
    });
    return effect;
}

std::vector<std::pair<std::string, SetValue>> effective_defaults(const Policy& policy) {
    std::vector<std::pair<std::string, SetValue>> all;
    for (const policy::ExplainedSetting& setting : policy::explain_defaults(policy)) {
        all.emplace_back(setting.name, set_value(setting));
    }
    return all;
}

} // namespace sesslimit::policy_edit
