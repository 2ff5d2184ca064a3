// SPDX-License-Identifier: MIT
#include "daemon/policy/resolve.hpp"

#include "daemon/policy/match.hpp"

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <type_traits>

namespace sesslimit::policy {
namespace {

template <class T>
using PointerToSetting = const Setting<T>*;

/// The strictest values of one tier, managed or host, for one login. The pointers point into the policy. They are null
/// for settings that the tier does not set for the login. `idle_activity`, `keep`, `message`, `message_of_end` and
/// `warn_before` are the first values that matching rules set, because these settings do not have a strictest value.
struct Strictest : SettingsOf<PointerToSetting> {
    /// The message to a user whose login is denied because max_sessions is reached. If a rule sets max_sessions, the
    /// message of the same rule is used. If [defaults] sets max_sessions, the first message of a matching rule is used,
    /// or else the message of [defaults].
    const Setting<std::string>* count_message = nullptr;
    const Setting<std::string>* default_message = nullptr;
    const Setting<std::string>* default_message_of_end = nullptr;
    /// True if a matching rule sets max_sessions_total to a number.
    bool has_total = false;
};

/// True for values of which a smaller one is stricter.
template <class T>
constexpr bool has_order = !std::is_same_v<T, std::string> && !std::is_same_v<T, std::vector<Duration>> &&
                           !std::is_same_v<T, Keep> && !std::is_same_v<T, Activity>;

/// Replaces `best` by `other` if `other` is stricter, which means that its value is smaller. Keeps `best` if the values
/// are equal, or if `other` is null. Returns true if `best` was replaced.
template <class T>
bool tighten(const Setting<T>*& best, const Setting<T>* other) noexcept {
    const bool stricter = other != nullptr && (best == nullptr || other->value < best->value);
    if (stricter) {
        best = other;
    }
    return stricter;
}

template <class T>
const Setting<T>* pointer_to(const std::optional<Setting<T>>& setting) noexcept {
    return setting ? &*setting : nullptr;
}

template <class T>
void fall_back(const Setting<T>*& best, const std::optional<Setting<T>>& setting) noexcept {
    if (best == nullptr) {
        best = pointer_to(setting);
    }
}

void add_warnings(std::vector<Duration>& all, const std::optional<Setting<std::vector<Duration>>>& more) {
    if (more) {
        all.insert(all.end(), more->value.begin(), more->value.end());
    }
}

/// Removes the elements that `allowed` does not contain from `set`. Returns true if an element was removed.
bool remove_others(Keep& set, const Keep& allowed) {
    const auto removed = std::erase_if(set.programs, [&allowed](const std::string& program) {
        return std::find(allowed.programs.begin(), allowed.programs.end(), program) == allowed.programs.end();
    });
    return removed > 0;
}

bool remove_others(Activity& set, const Activity& allowed) {
    const Activity before = set;
    set.network = set.network && allowed.network;
    set.output = set.output && allowed.output;
    set.processor = set.processor && allowed.processor;
    return set != before;
}

/// Removes the elements that `other` does not contain from the effective value of a setting, which is a set.
template <class Set>
void intersect(Setting<Set>& limit, const std::optional<Setting<Set>>& other) {
    if (!other) {
        return;
    }
    if (limit.from == SourceId::nowhere) {
        limit = *other;
    } else if (remove_others(limit.value, other->value)) {
        limit.from = other->from;
        limit.line = other->line;
    }
}

void add_rule(Strictest& found, const Rule& rule, Limits& limits) {
    const Settings& settings = rule.settings;
    const auto* const before = found.max_sessions;
    const auto add = []<class T>(std::string_view, const Setting<T>*& best, const std::optional<Setting<T>>& setting) {
        if constexpr (has_order<T>) {
            tighten(best, pointer_to(setting));
        } else {
            fall_back(best, setting);
        }
    };
    for_each_setting(add, found, settings);
    if (found.max_sessions != before) {
        found.count_message = pointer_to(settings.message);
    }
    add_warnings(limits.warn_before, settings.warn_before);
    intersect(limits.keep, settings.keep);
    intersect(limits.idle_activity, settings.idle_activity);
    if (const auto& total = rule.max_sessions_total; total && total->value != unlimited_count) {
        limits.shared_limits.push_back({rule.source, total->value, total->line});
        found.has_total = true;
    }
}

void add_defaults(Strictest& found, const Settings& defaults, Limits& limits) {
    if (found.max_sessions == nullptr) {
        found.count_message = found.message != nullptr ? found.message : pointer_to(defaults.message);
    }
    if (found.warn_before == nullptr) {
        add_warnings(limits.warn_before, defaults.warn_before);
    }
    if (found.keep == nullptr) {
        intersect(limits.keep, defaults.keep);
    }
    if (found.idle_activity == nullptr) {
        intersect(limits.idle_activity, defaults.idle_activity);
    }
    found.default_message = pointer_to(defaults.message);
    found.default_message_of_end = pointer_to(defaults.message_of_end);
    const auto add = []<class T>(std::string_view, const Setting<T>*& best, const std::optional<Setting<T>>& setting) {
        if constexpr (has_order<T>) {
            fall_back(best, setting);
        }
    };
    for_each_setting(add, found, defaults);
    if (found.idle_timeout_no_terminal == nullptr) {
        found.idle_timeout_no_terminal = found.idle_timeout;
    }
}

/// Returns the strictest values of one tier, managed or host, for a login. Appends to `limits` all values of
/// warn_before and max_sessions_total that apply to the login, and intersects the sets of `keep` and `idle_activity`.
Strictest strictest_of(const TierPolicy& tier, const Login& login, const Origin& origin, Limits& limits) {
    Strictest found;
    const MatchingRules matching = matching_rules(tier, login, origin);
    if (matching.exempt) {
        return found;
    }
    for (const Rule* rule : matching.rules) {
        add_rule(found, *rule, limits);
    }
    add_defaults(found, tier.defaults, limits);
    return found;
}

bool limits_something(const Strictest& tier) noexcept {
    return tier.max_sessions != nullptr || tier.max_sessions_fleet != nullptr || tier.max_duration != nullptr ||
           tier.idle_timeout != nullptr || tier.idle_timeout_no_terminal != nullptr || tier.has_total;
}

/// Returns true if the tier sets a limit, but not `mode`. Such a limit is enforced, because enforce is the default
/// mode.
bool enforces_silently(const Strictest& tier) noexcept {
    return limits_something(tier) && tier.mode == nullptr;
}

/// Sets an effective limit to the stricter of the values of the two tiers, if a tier has a value.
struct Settle {
    template <class T>
    void operator()(std::string_view, Setting<T>& limit, const Setting<T>* managed, const Setting<T>* host) const {
        if constexpr (has_order<T>) {
            tighten(managed, host);
            if (managed != nullptr) {
                limit = *managed;
            }
        }
    }
    /// The lists of warn_before have been combined already.
    void operator()(std::string_view, std::vector<Duration>&, const auto*, const auto*) const noexcept {}
};

using Text = const Setting<std::string>*;

/// Returns the first pointer in the list that is not null. Returns null if all pointers are null.
Text first_of(std::initializer_list<Text> texts) noexcept {
    const auto* const found = std::find_if(texts.begin(), texts.end(), [](Text text) { return text != nullptr; });
    return found == texts.end() ? nullptr : *found;
}

Text message_of(const Strictest& managed, const Strictest& host) noexcept {
    const Setting<Count>* count = managed.max_sessions;
    const bool host_wins = tighten(count, host.max_sessions);
    // If max_sessions is "unlimited", a login can be denied only because of another limit. The message of the table
    // that sets max_sessions is then not preferred to the messages of other tables.
    const bool denies = count != nullptr && count->value != unlimited_count;
    if (const auto* beside = host_wins ? host.count_message : managed.count_message; denies && beside != nullptr) {
        return beside;
    }
    return first_of({managed.message, host.message, managed.default_message, host.default_message});
}

Text message_of_end_of(const Strictest& managed, const Strictest& host) noexcept {
    return first_of(
        {managed.message_of_end, host.message_of_end, managed.default_message_of_end, host.default_message_of_end});
}

} // namespace

MatchingRules matching_rules(const TierPolicy& tier, const Login& login, const Origin& origin) {
    MatchingRules matching;
    for (const Rule& rule : tier.rules) {
        if (matches(*rule.match, login, origin)) {
            matching.rules.push_back(&rule);
            matching.exempt = matching.exempt || rule.exempt;
        }
    }
    return matching;
}

Limits resolve(const Policy& policy, const Login& login) {
    const Origin origin = origin_of(login);
    Limits limits;
    const Strictest managed = strictest_of(policy.managed, login, origin, limits);
    const Strictest host = strictest_of(policy.host, login, origin, limits);
    for_each_setting(Settle{}, limits, managed, host);
    // If a tier, managed or host, sets limits but not `mode`, its limits are enforced. Mode observe in the other tier
    // must not disable them.
    if (enforces_silently(managed) || enforces_silently(host)) {
        limits.mode = {Mode::enforce};
    }
    if (const auto* message = message_of(managed, host)) {
        limits.message = *message;
    }
    if (const auto* message = message_of_end_of(managed, host)) {
        limits.message_of_end = *message;
    }
    auto& warnings = limits.warn_before;
    std::sort(warnings.begin(), warnings.end(), std::greater<>());
    warnings.erase(std::unique(warnings.begin(), warnings.end()), warnings.end());
    return limits;
}

bool is_unlimited(const Limits& limits) noexcept {
    return limits.max_sessions.value == unlimited_count && limits.max_sessions_fleet.value == unlimited_count &&
           limits.max_duration.value == unlimited_duration && limits.idle_timeout.value == unlimited_duration &&
           limits.idle_timeout_no_terminal.value == unlimited_duration && limits.shared_limits.empty();
}

bool limits_fleet(const Policy& policy) noexcept {
    const auto is_set = [](const Settings& settings) {
        return settings.max_sessions_fleet && settings.max_sessions_fleet->value != unlimited_count;
    };
    const auto limits = [&is_set](const TierPolicy& tier) {
        return is_set(tier.defaults) || std::any_of(tier.rules.begin(), tier.rules.end(),
                                                    [&](const Rule& rule) { return is_set(rule.settings); });
    };
    return limits(policy.managed) || limits(policy.host);
}

bool displaces_by_activity(const Limits& limits) noexcept {
    return limits.at_limit.value == AtLimit::end_idlest ||
           (limits.at_limit.value == AtLimit::end_oldest && limits.displace_idle.value.time > Duration{});
}

const Source* source_of(const Policy& policy, SourceId id) noexcept {
    const auto at = static_cast<std::size_t>(id);
    return at < policy.sources.size() ? &policy.sources[at] : nullptr;
}

Location location_of(const Policy& policy, SourceId from, std::uint32_t line) {
    const Source* source = source_of(policy, from);
    return source == nullptr ? Location{} : Location{source->file, line};
}

bool counts(const Policy& policy, const Login& login) {
    return !login.nested && !is_ignored(policy, login.service);
}

bool is_ignored(const Policy& policy, std::string_view service) {
    const auto& managed = policy.managed.ignore_services;
    const auto& host = policy.host.ignore_services;
    if (service == "systemd-user") {
        return true;
    }
    if (!managed && !host) {
        return is_ignored(shipped_ignore_services(), service);
    }
    return (managed && is_ignored(managed->value, service)) || (host && is_ignored(host->value, service));
}

bool is_ignored(const std::vector<std::string>& ignore_services, std::string_view service) {
    return std::find(ignore_services.begin(), ignore_services.end(), service) != ignore_services.end();
}

const std::vector<std::string>& shipped_ignore_services() {
    static const std::vector<std::string> services = {
        // PAM services that switch to another user inside an existing session, or run a command for a user.
        "su", "su-l", "sudo", "sudo-i", "doas", "runuser", "runuser-l", "polkit-1", "systemd-run0",
        // Services without a human user.
        "cron", "crond", "atd", "systemd-user", "gdm-launch-environment", "lightdm-greeter", "sddm-greeter",
        "greetd-greeter",
        // PAM services of screen lockers, which ask for the password of the user of an existing session.
        "cinnamon-screensaver", "gnome-screensaver", "gtklock", "hyprlock", "i3lock", "kde", "kscreensaver",
        "light-locker", "mate-screensaver", "physlock", "swaylock", "vlock", "waylock", "xfce4-screensaver", "xlock",
        "xscreensaver", "xsecurelock"};
    return services;
}

} // namespace sesslimit::policy
