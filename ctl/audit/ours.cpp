// SPDX-License-Identifier: MIT
#include "ctl/audit/ours.hpp"

#include "common/duration.hpp"
#include "daemon/policy/match.hpp"
#include "daemon/policy/resolve.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace sesslimit::audit {
namespace {

void add_named(const policy::Match& match, std::set<uid_t>& named) {
    for (const auto* patterns : {&match.user.any, &match.user.none}) {
        for (const policy::UserPattern& user : *patterns) {
            named.insert(user.uid.value_or(0));
        }
    }
    for (const auto* patterns : {&match.uid.any, &match.uid.none}) {
        for (const policy::UidRange& range : *patterns) {
            if (range.first == range.last) {
                named.insert(range.first);
            }
        }
    }
}

/// Returns the user ID of an ordinary user, which is the lowest ID from 1000 that no rule of the policy names.
uid_t ordinary_uid(const policy::Policy& policy) {
    std::set<uid_t> named;
    for (const auto* tier : {&policy.managed, &policy.host}) {
        for (const policy::Rule& rule : tier->rules) {
            add_named(*rule.match, named);
        }
    }
    uid_t uid = 1000;
    while (named.contains(uid)) {
        ++uid;
    }
    return uid;
}

/// Returns two logins of an ordinary user. One is an ssh login from a documentation network, 192.0.2.0/24 (RFC 5737).
/// The other is a login on the console of the host.
std::array<Login, 2> ordinary_logins(const policy::Policy& policy) {
    Login ssh;
    ssh.uid = ordinary_uid(policy);
    ssh.service = "sshd";
    ssh.tty = "ssh";
    ssh.rhost = "192.0.2.1";
    ssh.credential.method = "publickey";
    Login console;
    console.uid = ssh.uid;
    console.service = "login";
    console.tty = "tty1";
    console.seat = "seat0";
    return {ssh, console};
}

template <class T>
Line place_of(const policy::Policy& policy, const policy::Setting<T>& setting) {
    if (setting.from == policy::SourceId::nowhere) {
        return {};
    }
    const policy::Source& source = policy.sources.at(static_cast<std::size_t>(setting.from));
    return {source.file, setting.line, {}};
}

/// Keeps the more generous value.
template <class T>
void take(Ours<T>& kept, const policy::Policy& policy, const policy::Setting<T>& setting, bool enforced) {
    if (setting.value >= kept.value || (kept.enforced && !enforced)) {
        kept.value = setting.value;
        kept.at = place_of(policy, setting);
    }
    kept.enforced = kept.enforced && enforced;
}

/// Returns true if `limits`, the limits of ordinary users, are enforced and allow at most `sessions` sessions and an
/// idle time of at most `idle`.
bool holds(const Ordinary& limits, policy::Count sessions, Duration idle) {
    return limits.max_sessions.enforced && limits.max_sessions.value <= sessions && limits.idle_timeout.value <= idle;
}

bool allows_more(const policy::Rule& rule, policy::Count sessions, Duration idle) {
    const policy::Settings& set = rule.settings;
    return rule.exempt || (set.max_sessions && set.max_sessions->value > sessions) ||
           (set.idle_timeout && set.idle_timeout->value > idle) ||
           (set.mode && set.mode->value == policy::Mode::observe);
}

} // namespace

Ordinary ordinary_limits(const policy::Policy& policy) {
    Ordinary ordinary;
    for (const Login& login : ordinary_logins(policy)) {
        const policy::Limits limits = policy::resolve(policy, login);
        const bool enforced = limits.mode.value == policy::Mode::enforce;
        take(ordinary.max_sessions, policy, limits.max_sessions, enforced);
        take(ordinary.idle_timeout, policy, limits.idle_timeout, enforced);
        take(ordinary.idle_timeout_no_terminal, policy, limits.idle_timeout_no_terminal, enforced);
        ordinary.counts_left_behind =
            ordinary.counts_left_behind && limits.count_left_behind.value == policy::CountLeftBehind::yes;
    }
    return ordinary;
}

std::vector<Line> exceptions(const policy::Policy& policy, policy::Count sessions, Duration idle) {
    for (const auto tier : {&policy::Policy::managed, &policy::Policy::host}) {
        policy::Policy alone;
        alone.*tier = policy.*tier;
        alone.sources = policy.sources;
        if (!holds(ordinary_limits(alone), sessions, idle)) {
            continue;
        }
        std::vector<Line> lines;
        for (const policy::Rule& rule : (policy.*tier).rules) {
            if (allows_more(rule, sessions, idle)) {
                const policy::Source& source = policy.sources.at(static_cast<std::size_t>(rule.source));
                lines.push_back({source.file, source.line, source.rule});
            }
        }
        return lines;
    }
    return {};
}

std::vector<std::string> gentler_than(const policy::Policy& policy, Duration native) {
    std::vector<std::string> reasons;
    const auto add = [&reasons](bool holds, std::string reason) {
        if (holds && std::ranges::find(reasons, reason) == reasons.end()) {
            reasons.push_back(std::move(reason));
        }
    };
    for (const Login& login : ordinary_logins(policy)) {
        const policy::Limits limits = policy::resolve(policy, login);
        add(limits.idle_timeout.value > native, "idle_timeout is " + format_span(limits.idle_timeout.value));
        add(limits.mode.value == policy::Mode::observe, "mode is observe");
        add(limits.idle_activity.value.network, "data on the connections of a session counts as activity");
        add(limits.idle_activity.value.output, "terminal output counts as activity");
        add(limits.idle_activity.value.processor, "CPU time counts as activity");
        add(limits.on_idle.value == policy::OnIdle::lock, "idle graphical sessions are locked instead of terminated");
        add(!limits.keep.value.programs.empty(), "programs in keep are preserved");
        add(!limits.warn_before.empty(), "users are warned first");
    }
    return reasons;
}

} // namespace sesslimit::audit
