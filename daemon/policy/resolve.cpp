// SPDX-License-Identifier: MIT
#include "daemon/policy/resolve.hpp"

#include "daemon/policy/match.hpp"

#include <algorithm>
#include <functional>

namespace sesslimit::policy {
namespace {

/// What one tier sets for one login: each the strictest so far, pointing into the policy.
struct Strictest {
    const Setting<Count>* max_sessions = nullptr;
    const Setting<Span>* max_duration = nullptr;
    const Setting<Span>* idle_timeout = nullptr;
    const Setting<AtLimit>* at_limit = nullptr;
    const Setting<Mode>* mode = nullptr;
    bool warns = false; ///< something set warn_before, if only to nothing
};

/// Every setting is ordered so that the smaller value is the stricter one, and of equals the one that is there stays.
template <class T>
void tighten(const Setting<T>*& best, const Setting<T>* other) noexcept {
    if (other != nullptr && (best == nullptr || other->value < best->value)) {
        best = other;
    }
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

void add_warnings(std::vector<Span>& all, const std::optional<Setting<std::vector<Span>>>& more) {
    if (more) {
        all.insert(all.end(), more->value.begin(), more->value.end());
    }
}

/// Whether the tier says nothing about this login, because a rule exempts it.
bool is_exempt(const TierPolicy& tier, const Login& login, const Origin& origin) noexcept {
    return std::any_of(tier.rules.begin(), tier.rules.end(),
                       [&](const Rule& rule) { return rule.exempt && matches(*rule.match, login, origin); });
}

Strictest strictest_of(const TierPolicy& tier, const Login& login, const Origin& origin, std::vector<Span>& warnings) {
    Strictest found;
    if (is_exempt(tier, login, origin)) {
        return found;
    }
    for (const Rule& rule : tier.rules) {
        if (!matches(*rule.match, login, origin)) {
            continue;
        }
        tighten(found.max_sessions, pointer_to(rule.settings.max_sessions));
        tighten(found.max_duration, pointer_to(rule.settings.max_duration));
        tighten(found.idle_timeout, pointer_to(rule.settings.idle_timeout));
        tighten(found.at_limit, pointer_to(rule.settings.at_limit));
        tighten(found.mode, pointer_to(rule.settings.mode));
        found.warns = found.warns || rule.settings.warn_before.has_value();
        add_warnings(warnings, rule.settings.warn_before);
    }
    fall_back(found.max_sessions, tier.defaults.max_sessions);
    fall_back(found.max_duration, tier.defaults.max_duration);
    fall_back(found.idle_timeout, tier.defaults.idle_timeout);
    fall_back(found.at_limit, tier.defaults.at_limit);
    fall_back(found.mode, tier.defaults.mode);
    if (!found.warns) {
        add_warnings(warnings, tier.defaults.warn_before);
    }
    return found;
}

bool limits_something(const Strictest& tier) noexcept {
    return tier.max_sessions != nullptr || tier.max_duration != nullptr || tier.idle_timeout != nullptr;
}

/// Whether the tier has limits, and nobody said that they are only to be observed.
bool enforces_silently(const Strictest& tier) noexcept {
    return limits_something(tier) && tier.mode == nullptr;
}

template <class T>
void settle(Setting<T>& limit, const Setting<T>* managed, const Setting<T>* host) noexcept {
    tighten(managed, host);
    if (managed != nullptr) {
        limit = *managed;
    }
}

} // namespace

Limits resolve(const Policy& policy, const Login& login) {
    const Origin origin = origin_of(login);
    Limits limits;
    const Strictest managed = strictest_of(policy.managed, login, origin, limits.warn_before);
    const Strictest host = strictest_of(policy.host, login, origin, limits.warn_before);
    settle(limits.max_sessions, managed.max_sessions, host.max_sessions);
    settle(limits.max_duration, managed.max_duration, host.max_duration);
    settle(limits.idle_timeout, managed.idle_timeout, host.idle_timeout);
    settle(limits.at_limit, managed.at_limit, host.at_limit);
    // A tier whose limits are meant must not be put out of force by the other tier's "observe".
    if (!enforces_silently(managed) && !enforces_silently(host)) {
        settle(limits.mode, managed.mode, host.mode);
    }
    auto& warnings = limits.warn_before;
    std::sort(warnings.begin(), warnings.end(), std::greater<>());
    warnings.erase(std::unique(warnings.begin(), warnings.end()), warnings.end());
    return limits;
}

bool counts(const Policy& policy, const Login& login) {
    if (login.nested || login.service == "systemd-user") {
        return false;
    }
    const auto ignored_by = [&](const std::vector<std::string>& services) {
        return std::find(services.begin(), services.end(), login.service) != services.end();
    };
    const auto& managed = policy.managed.ignore_services;
    const auto& host = policy.host.ignore_services;
    if (!managed && !host) {
        return !ignored_by(shipped_ignore_services());
    }
    return !(managed && ignored_by(*managed)) && !(host && ignored_by(*host));
}

const std::vector<std::string>& shipped_ignore_services() {
    static const std::vector<std::string> services = {
        // become somebody else inside what is already a session, or run something for somebody
        "su", "su-l", "sudo", "sudo-i", "doas", "runuser", "runuser-l", "polkit-1",
        // no person logs in
        "cron", "crond", "atd", "systemd-user", "gdm-launch-environment", "lightdm-greeter", "sddm-greeter",
        // ask for the password of a session that is there
        "cinnamon-screensaver", "gnome-screensaver", "gtklock", "hyprlock", "i3lock", "kde", "kscreensaver",
        "light-locker", "mate-screensaver", "physlock", "swaylock", "vlock", "waylock", "xfce4-screensaver", "xlock",
        "xscreensaver", "xsecurelock"};
    return services;
}

} // namespace sesslimit::policy
