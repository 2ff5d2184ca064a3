// SPDX-License-Identifier: MIT
#include "ctl/audit/audit.hpp"

#include "ctl/audit/ours.hpp"
#include "ctl/audit/warnings.hpp"

#include <algorithm>
#include <iterator>

namespace sesslimit::audit {
namespace {

constexpr std::string_view limits_file = "/etc/security/limits.d/50-sessions.conf";
constexpr std::string_view logind_file = "/etc/systemd/logind.conf";
constexpr std::string_view profile_file = "/etc/profile.d/tmout.sh";
constexpr std::string_view sshd_file = "/etc/ssh/sshd_config";

/// Returns a change of a configuration file. The change replaces the line `there` with the last of `lines`. If `there`
/// is absent, the change adds all `lines` to `file`.
Remedy remedy(const std::optional<Line>& there, std::string_view file, std::vector<std::string> lines) {
    if (there) {
        return {there->file, there->number, false, {lines.back()}};
    }
    return {std::string(file), 0, file == sshd_file, std::move(lines)};
}

template <class T>
std::optional<Line> line_of(const std::optional<Found<T>>& found) {
    return found ? std::optional(found->at) : std::nullopt;
}

void sessions(const Native& native, unsigned most, Finding& finding) {
    // If several maxlogins lines have the domain "*" (all users), pam_limits applies the last one. The audit ignores
    // lines for single users and groups.
    const LoginLimit* last = nullptr;
    for (const LoginLimit& limit : native.login_limits) {
        if (limit.domain == "*" && limit.item == "maxlogins" && limit.type != "soft") {
            last = &limit;
        }
    }
    finding.pass = last != nullptr && last->most && *last->most > 0 && *last->most <= most;
    const std::optional<Line> there = last != nullptr ? std::optional(last->at) : std::nullopt;
    if (there) {
        finding.native = {*there};
    }
    if (!finding.pass) {
        finding.remedy = remedy(there, limits_file, {"* hard maxlogins " + std::to_string(most)});
    }
}

void idle_session(const std::optional<Found<Duration>>& found, unsigned seconds, Finding& finding) {
    finding.pass = found && found->value == std::chrono::seconds(seconds);
    if (found) {
        finding.native = {found->at};
    }
    if (!finding.pass) {
        finding.remedy =
            remedy(line_of(found), logind_file, {"[Login]", "StopIdleSessionSec=" + std::to_string(seconds)});
    }
}

bool is_within(const ShellTimeout& timeout, unsigned seconds) {
    return timeout.seconds > 0 && timeout.seconds <= seconds;
}

void shell_timeout(const Native& native, unsigned seconds, bool fixed, Finding& finding) {
    const ShellTimeout* wrong = nullptr; // The first insufficient value.
    for (const ShellTimeout& timeout : native.shell_timeouts) {
        finding.native.push_back(timeout.at);
        const bool good = is_within(timeout, seconds) && (!fixed || (timeout.fixed && timeout.exported));
        wrong = wrong == nullptr && !good ? &timeout : wrong;
    }
    finding.pass = !native.shell_timeouts.empty() && wrong == nullptr;
    if (!finding.pass) {
        finding.remedy = remedy(wrong != nullptr ? std::optional(wrong->at) : std::nullopt, profile_file,
                                {"declare -xr TMOUT=" + std::to_string(seconds)});
    }
}

void idle_any(const Native& native, unsigned seconds, bool ours, Finding& finding) {
    const Duration most = std::chrono::seconds(seconds);
    bool shell = !native.shell_timeouts.empty();
    for (const ShellTimeout& timeout : native.shell_timeouts) {
        finding.native.push_back(timeout.at);
        shell = shell && is_within(timeout, seconds) && timeout.fixed;
    }
    if (native.stop_idle) {
        finding.native.push_back(native.stop_idle->at);
    }
    finding.pass = ours || shell || (native.stop_idle && native.stop_idle->value <= most);
    if (!finding.pass) {
        finding.remedy = Remedy{"/etc/sesslimit/managed.d/50-pci-dss.toml",
                                0,
                                false,
                                {"version = 1", "[defaults]", "idle_timeout = \"15min\"", "on_idle = \"lock\""}};
    }
}

template <class T>
void sshd(const std::optional<Found<T>>& found, bool pass, const std::string& line, Finding& finding) {
    finding.pass = pass;
    if (found) {
        finding.native = {found->at};
    }
    if (!pass) {
        finding.remedy = remedy(line_of(found), sshd_file, {line});
    }
}

void compare_native(const Native& native, bool ours, Finding& finding) {
    const unsigned most = finding.control->value;
    const std::string number = std::to_string(most);
    const auto& interval = native.alive_interval;
    const auto& count = native.alive_count;
    switch (finding.control->check) {
    case Check::sessions:
        return sessions(native, most, finding);
    case Check::idle_session:
        return idle_session(native.stop_idle, most, finding);
    case Check::idle_main:
        return idle_session(native.stop_idle_main, most, finding);
    case Check::shell_timeout:
        return shell_timeout(native, most, false, finding);
    case Check::shell_fixed:
        return shell_timeout(native, most, true, finding);
    case Check::idle_any:
        return idle_any(native, most, ours, finding);
    case Check::peer_interval:
        return sshd(interval, interval && interval->value > Duration{} && interval->value <= std::chrono::seconds(most),
                    "ClientAliveInterval " + number, finding);
    case Check::any_peer_interval:
        return sshd(interval, interval && interval->value > Duration{}, "ClientAliveInterval " + number, finding);
    case Check::peer_count: // sshd's default is 3
        return sshd(count, count ? count->value > 0 && count->value <= most : most >= 3,
                    "ClientAliveCountMax " + number, finding);
    case Check::any_peer_count:
        return sshd(count, !count || count->value > 0, "ClientAliveCountMax " + number, finding);
    case Check::ssh_sessions: // sshd's default is 10
        return sshd(native.ssh_sessions, native.ssh_sessions ? native.ssh_sessions->value <= most : most >= 10,
                    "MaxSessions " + number, finding);
    }
}

/// Determines whether sesslimit enforces a control, which is one requirement of a compliance profile. Adds to `finding`
/// the rules of the policy that allow more than the control.
void compare_ours(const Native& native, const std::optional<policy::Policy>& policy, Finding& finding) {
    const unsigned most = finding.control->value;
    bool sessions = false;
    switch (finding.control->check) {
    case Check::sessions:
        sessions = true;
        break;
    case Check::idle_session:
    case Check::idle_main:
    case Check::shell_timeout:
    case Check::shell_fixed:
    case Check::idle_any:
        break;
    case Check::peer_interval:
    case Check::peer_count:
    case Check::any_peer_interval:
    case Check::any_peer_count:
    case Check::ssh_sessions:
        return;
    }
    finding.ours = false;
    if (!policy) {
        return;
    }
    const Ordinary ordinary = ordinary_limits(*policy);
    const Duration idle = std::chrono::seconds(most);
    const Line& at = sessions ? ordinary.max_sessions.at : ordinary.idle_timeout.at;
    if (!at.file.empty()) {
        finding.policy = at;
    }
    const bool within = sessions ? ordinary.max_sessions.value <= most && ordinary.max_sessions.enforced
                                 : ordinary.idle_timeout.value <= idle && ordinary.idle_timeout.enforced;
    finding.ours = within && !native.module.empty();
    if (within) {
        finding.exceptions =
            sessions ? exceptions(*policy, most, Duration::max()) : exceptions(*policy, policy::unlimited_count, idle);
    }
}

} // namespace

Report judge(const Native& native, const std::optional<policy::Policy>& policy, std::optional<Profile> profile) {
    Report report;
    for (const Control& control : all_controls()) {
        if ((profile && control.profile != *profile) || !applies(control, native.os, native.version)) {
            continue;
        }
        Finding finding;
        finding.control = &control;
        compare_ours(native, policy, finding);
        compare_native(native, finding.ours.value_or(false), finding);
        report.findings.push_back(std::move(finding));
    }
    report.warnings = warnings_about(native, policy);
    if (policy) {
        std::ranges::move(warnings_about_remedies(report.findings, *policy), std::back_inserter(report.warnings));
        std::ranges::move(warnings_about_left_behind(report.findings, *policy), std::back_inserter(report.warnings));
    }
    return report;
}

} // namespace sesslimit::audit
