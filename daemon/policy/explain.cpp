// SPDX-License-Identifier: MIT
#include "daemon/policy/explain.hpp"

#include "common/duration.hpp"
#include "common/text.hpp"
#include "daemon/policy/match.hpp"
#include "daemon/policy/resolve.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace sesslimit::policy {
namespace {

constexpr std::size_t max_path_length = 4096;
constexpr std::size_t max_value_length = 200;
/// Length in bytes after which a list of services is truncated.
constexpr std::size_t max_services_length = 60;

std::string text(Count count) {
    return count == unlimited_count ? "unlimited" : std::to_string(count);
}

std::string text(Duration span) {
    return format_span(span);
}

std::string text(AtLimit at_limit) {
    switch (at_limit) {
    case AtLimit::deny:
        return "deny";
    case AtLimit::end_idlest:
        return "end-idlest";
    case AtLimit::end_oldest:
        return "end-oldest";
    }
    return {};
}

std::string text(DisplaceIdle idle) {
    return format_span(idle.time);
}

std::string text(Mode mode) {
    return mode == Mode::observe ? "observe" : "enforce";
}

std::string text(OnFleetError on_error) {
    return on_error == OnFleetError::deny ? "deny" : "local";
}

std::string text(Activity activity) {
    return std::string("[input") + (activity.network ? ", network" : "") + (activity.output ? ", output" : "") +
           (activity.processor ? ", cpu" : "") + ']';
}

std::string text(OnIdle on_idle) {
    return on_idle == OnIdle::lock ? "lock" : "end";
}

std::string text(const Keep& keep) {
    std::string all;
    for (const std::string& program : keep.programs) {
        all += (all.empty() ? "" : ", ") + escape_for_display(program);
    }
    return "[" + all + "]";
}

template <Truth T>
std::string text(T truth) {
    return truth == T::yes ? "true" : "false";
}

std::string text(const std::vector<Duration>& spans) {
    std::string all;
    for (const Duration span : spans) {
        all += (all.empty() ? "" : ", ") + format_span(span);
    }
    return "[" + all + "]";
}

/// Returns a message template of the policy as one line for display. Each line break is written as "\n", as in a TOML
/// string. All other text is passed through escape_for_display(). A long template is truncated.
std::string text(std::string_view message) {
    std::string all;
    while (!message.empty() && all.size() < max_value_length) {
        const std::string_view line = message.substr(0, message.find('\n'));
        const bool more = line.size() < message.size();
        all += escape_for_display(line, max_value_length) + (more ? "\\n" : "");
        message.remove_prefix(line.size() + (more ? 1 : 0));
    }
    return all + (message.empty() ? "" : "...");
}

std::string settings_text(const Rule& rule) {
    std::string all;
    const auto add = [&all](std::string_view key, const auto& setting) {
        if (setting) {
            all += (all.empty() ? "" : ", ") + std::string(key) + " = " + text(setting->value);
        }
    };
    for_each_setting(
        [&](std::string_view key, const auto& setting) {
            add(key, setting);
            if (key == "max_sessions") {
                add("max_sessions_total", rule.max_sessions_total);
            }
        },
        rule.settings);
    if (rule.exempt) {
        all += all.empty() ? "exempt" : ", exempt";
    }
    return all.empty() ? "nothing" : all;
}

std::string services_text(const std::vector<std::string>& services) {
    std::string all;
    for (const std::string& service : services) {
        if (all.size() > max_services_length) {
            all += ", ...";
            break;
        }
        all += (all.empty() ? "" : ", ") + escape_for_display(service);
    }
    return '[' + all + ']';
}

ExplainedSetting explained_services(const std::vector<std::string>& services, const Source* from, std::uint32_t line) {
    return {.name = "ignore_services", .value = services_text(services), .from = from, .line = line};
}

/// One tier of the policy, managed or host, and the rules of this tier that match the login.
struct Told {
    const TierPolicy& tier;
    MatchingRules matching;
};

using Warnings = Setting<std::vector<Duration>>;

/// Appends to `all` the values of warn_before that one tier, managed or host, sets for the login. resolve() computes
/// the effective warn_before from the same values.
void add_warnings(std::vector<const Warnings*>& all, const Told& told) {
    if (told.matching.exempt) {
        return;
    }
    const std::size_t before = all.size();
    for (const Rule* rule : told.matching.rules) {
        if (rule->settings.warn_before) {
            all.push_back(&*rule->settings.warn_before);
        }
    }
    if (all.size() == before && told.tier.defaults.warn_before) {
        all.push_back(&*told.tier.defaults.warn_before);
    }
}

/// The effective limits of a login, and the settings as which they are explained.
struct Explaining {
    const Policy& policy; ///< owner of the tables that set the limits
    const Limits limits;
    std::vector<const Warnings*> warnings{};
    std::vector<ExplainedSetting> settings{};

    Explaining(const Policy& of, Limits effective, const Told& managed, const Told& host)
        : policy(of), limits(std::move(effective)) {
        add_warnings(warnings, managed);
        add_warnings(warnings, host);
        explain_limits();
    }

    template <class T>
    void add(std::string_view name, const Setting<T>& setting) {
        settings.push_back({std::string(name), text(setting.value), source_of(policy, setting.from), setting.line});
    }

    /// Adds the values of warn_before from which the effective list was combined.
    void add(std::string_view name, const std::vector<Duration>&) {
        for (const Warnings* warning : warnings) {
            add(name, *warning);
        }
        if (warnings.empty()) {
            add(name, Warnings{});
        }
    }

    void add_shared_limits() {
        for (const SharedLimit& total : limits.shared_limits) {
            add("max_sessions_total", Setting<Count>{total.most, total.rule, total.line});
        }
        if (limits.shared_limits.empty()) {
            add("max_sessions_total", Setting<Count>{unlimited_count});
        }
    }

    void explain_limits() {
        for_each_setting(
            [this](std::string_view key, const auto& limit) {
                add(key, limit);
                if (key == "max_sessions") {
                    add_shared_limits();
                }
            },
            limits);
    }

    [[nodiscard]] std::set<SourceId> winners() const {
        std::set<SourceId> all_from;
        for_each_setting(
            [&all_from](std::string_view, const auto& limit) {
                if constexpr (requires { limit.from; }) {
                    all_from.insert(limit.from);
                }
            },
            limits);
        for (const SharedLimit& total : limits.shared_limits) {
            all_from.insert(total.rule);
        }
        for (const Warnings* warning : warnings) {
            all_from.insert(warning->from);
        }
        return all_from;
    }

    void explain_rules(const Told& told, std::vector<MatchedRule>& all) const {
        const std::set<SourceId> winning = winners();
        for (const Rule* rule : told.matching.rules) {
            if (const Source* source = source_of(policy, rule->source)) {
                all.push_back({source, settings_text(*rule), rule->exempt || winning.contains(rule->source)});
            }
        }
    }
};

/// Returns the file and line of the ignore_services setting that contains the PAM service of the login, as text.
std::string ignored_where(const Policy& policy, const Login& login) {
    for (const TierPolicy* tier : {&policy.managed, &policy.host}) {
        if (tier->ignore_services && is_ignored(tier->ignore_services->value, login.service)) {
            const Source* source = source_of(policy, tier->ignore_services->from);
            return source == nullptr ? "ignore_services"
                                     : "ignore_services at " + escape_for_display(source->file, max_path_length) + ':' +
                                           std::to_string(tier->ignore_services->line);
        }
    }
    return "the built-in default of ignore_services";
}

/// Returns the reason why a login counts or does not count as a session.
std::string reason_of(const Policy& policy, const Login& login) {
    if (login.nested) {
        return "the login is opened inside a session and is part of that session";
    }
    if (login.service == "systemd-user") {
        return "systemd-user starts the user manager, which is not a session";
    }
    if (!counts(policy, login)) {
        return escape_for_display(login.service) + " is in " + ignored_where(policy, login);
    }
    return escape_for_display(login.service) + " is not in ignore_services";
}

} // namespace

Explanation explain(const Policy& policy, const Login& login) {
    const Origin origin = origin_of(login);
    const Told managed{policy.managed, matching_rules(policy.managed, login, origin)};
    const Told host{policy.host, matching_rules(policy.host, login, origin)};
    Explaining explaining(policy, resolve(policy, login), managed, host);
    Explanation all{.counts = counts(policy, login), .why = reason_of(policy, login), .settings = {}, .rules = {}};
    explaining.explain_rules(managed, all.rules);
    explaining.explain_rules(host, all.rules);
    all.settings = std::move(explaining.settings);
    return all;
}

std::vector<ExplainedSetting> explain_defaults(const Policy& policy) {
    Policy defaults;
    defaults.managed.defaults = policy.managed.defaults;
    defaults.host.defaults = policy.host.defaults;
    std::vector<ExplainedSetting> all =
        Explaining(policy, resolve(defaults, {}), {policy.managed, {}}, {policy.host, {}}).settings;
    std::erase_if(all, [](const ExplainedSetting& setting) { return setting.name == "max_sessions_total"; });
    const std::size_t settings = all.size();
    for (const TierPolicy* tier : {&policy.managed, &policy.host}) {
        if (const auto& services = tier->ignore_services) {
            all.push_back(explained_services(services->value, source_of(policy, services->from), services->line));
        }
    }
    if (all.size() == settings) {
        all.push_back(explained_services(shipped_ignore_services(), nullptr, 0));
    }
    return all;
}

} // namespace sesslimit::policy
