// SPDX-License-Identifier: MIT
#pragma once

#include "common/duration.hpp"
#include "daemon/policy/policy.hpp"

#include <string>
#include <string_view>

/// Formats effective limits as text for test tables.
namespace sesslimit::test {

/// Returns the source of a setting as "[TIER/]RULE:LINE", for example "managed/defaults:3". Returns an empty text if
/// the setting is not set.
template <class T>
std::string origin(const policy::Setting<T>& setting, const policy::Policy& policy) {
    using namespace sesslimit::policy;
    if (setting.from == SourceId::nowhere) {
        return "";
    }
    const Source& source = policy.sources.at(static_cast<std::size_t>(setting.from));
    return std::string("@") + (source.tier == Tier::managed ? "managed/" : "") +
           (source.rule.empty() ? "defaults" : source.rule) + ':' + std::to_string(setting.line);
}

/// Formats in one line each setting that differs from the default or was set explicitly.
inline std::string told(const policy::Limits& limits, const policy::Policy& policy) {
    using namespace sesslimit::policy;
    std::string text;
    const auto add = [&](std::string_view name, const std::string& value, const std::string& from, bool say) {
        if (say || !from.empty()) {
            text += (text.empty() ? "" : " ") + std::string(name) + '=' + value + from;
        }
    };
    constexpr std::string_view at_limit[] = {"deny", "end-idlest", "end-oldest"};
    const Count count = limits.max_sessions.value;
    add("sessions", count == unlimited_count ? "unlimited" : std::to_string(count), origin(limits.max_sessions, policy),
        count != unlimited_count);
    const Count fleet = limits.max_sessions_fleet.value;
    add("fleet", fleet == unlimited_count ? "unlimited" : std::to_string(fleet),
        origin(limits.max_sessions_fleet, policy), fleet != unlimited_count);
    add("on_fleet_error", limits.on_fleet_error.value == OnFleetError::deny ? "deny" : "local",
        origin(limits.on_fleet_error, policy), limits.on_fleet_error.value != OnFleetError::local);
    add("duration", format_span(limits.max_duration.value), origin(limits.max_duration, policy),
        limits.max_duration.value != unlimited_duration);
    add("idle", format_span(limits.idle_timeout.value), origin(limits.idle_timeout, policy),
        limits.idle_timeout.value != unlimited_duration);
    add("at_limit", std::string(at_limit[static_cast<std::size_t>(limits.at_limit.value)]),
        origin(limits.at_limit, policy), limits.at_limit.value != AtLimit::deny);
    add("displace_idle", format_span(limits.displace_idle.value.time), origin(limits.displace_idle, policy), false);
    add("mode", limits.mode.value == Mode::enforce ? "enforce" : "observe", origin(limits.mode, policy),
        limits.mode.value != Mode::enforce);
    for (const SharedLimit& total : limits.shared_limits) {
        add("total", std::to_string(total.most), origin(Setting<Count>{total.most, total.rule, total.line}, policy),
            true);
    }
    add("message", limits.message.value, origin(limits.message, policy), !limits.message.value.empty());
    std::string warnings;
    for (const Duration span : limits.warn_before) {
        warnings += (warnings.empty() ? "" : ",") + format_span(span);
    }
    add("warn", warnings, "", !warnings.empty());
    return text;
}

} // namespace sesslimit::test
