// SPDX-License-Identifier: MIT
#include "ctl/audit/audit.hpp"

#include "ctl/audit/ours.hpp"
#include "ctl/audit/remedies.hpp"
#include "ctl/audit/warnings.hpp"
#include "daemon/host_config/text.hpp"

#include <algorithm>
#include <iterator>

namespace sesslimit::audit {
namespace {

using host_config::number_in;

bool is_within(std::optional<std::uint64_t> value, unsigned least, unsigned most) {
    return value && *value >= least && *value <= most;
}

/// The evidence for a finding: the values that decide it, in lists of sufficient and insufficient ones.
class Evidence {
  public:
    bool add(bool good, const Line& at) {
        if (std::ranges::find(good_, at) == good_.end() && std::ranges::find(bad_, at) == bad_.end()) {
            (good ? good_ : bad_).push_back(at);
        }
        return good;
    }

    /// Returns whether all values are in the range. Adds their lines.
    bool add(const std::vector<Scanned>& values, unsigned least, unsigned most) {
        bool good = true;
        for (const Scanned& one : values) {
            good = add(is_within(number_in(one.value), least, most), one.at) && good;
        }
        return good;
    }

    [[nodiscard]] std::vector<Line> lines() const {
        std::vector<Line> all = bad_;
        std::ranges::copy(good_, std::back_inserter(all));
        return all;
    }

  private:
    std::vector<Line> good_;
    std::vector<Line> bad_;
};

// Each of the following functions returns whether the scanner's rule passes.

bool scan_sessions(const ScannedFiles& found, const std::vector<Line>& present, unsigned most, Evidence& evidence) {
    if (!found.drop_ins.empty() && evidence.add(found.drop_ins, 0, most)) {
        return true;
    }
    for (const Line& line : present) {
        evidence.add(false, line);
    }
    // Of limits.conf, the rule reads only the first line.
    return !found.main.empty() && present.empty() && evidence.add({found.main.front()}, 0, most);
}

bool scan_files(const ScannedFiles& found, bool main_only, unsigned least, unsigned most, Evidence& evidence) {
    const bool main = evidence.add(found.main, least, most);
    const bool drop_ins = main_only || evidence.add(found.drop_ins, least, most);
    return main && drop_ins && !(found.main.empty() && (main_only || found.drop_ins.empty()));
}

bool scan_idle_session(const ScannedFiles& found, const Control& control, Evidence& evidence) {
    const auto is_set = [&](const std::vector<Scanned>& values) {
        return evidence.add(values, control.value, control.value) && !values.empty();
    };
    const bool main = is_set(found.main);
    return (!needs_logind_drop_in(control) || is_set(found.drop_ins)) && main;
}

/// Returns the value of ClientAliveCountMax that the profile of a control requires, or nullptr if it requires none.
const Control* count_of(const Control& control, const Native& native) {
    for (const Control* other : controls_for(control.profile.value(), native.os, native.version)) {
        if (other->check == Check::peer_count) {
            return other;
        }
    }
    return nullptr;
}

bool scan_interval(const Native& native, const Control& control, Evidence& evidence) {
    const ScannerReading reading = reading_of(native.os, native.version);
    const bool interval = scan_files(native.scan.alive_interval, reading.sshd_main_only, 1, control.value, evidence);
    const Control* count = reading.interval_needs_count ? count_of(control, native) : nullptr;
    return interval && (count == nullptr || scan_files(native.scan.alive_count, reading.sshd_main_only, count->value,
                                                       count->value, evidence));
}

std::optional<bool> scanner_verdict(const Native& native, const Control& control, Evidence& evidence) {
    const Scan& scan = native.scan;
    const unsigned most = control.value;
    const ScannerReading reading = reading_of(native.os, native.version);
    switch (control.check) {
    case Check::sessions:
        return scan_sessions(scan.login_limits, scan.present_login_limits, most, evidence);
    case Check::idle_session:
        return scan_idle_session(scan.stop_idle, control, evidence);
    case Check::shell_timeout: {
        const std::vector<Scanned>& found = reading.assigns_tmout ? scan.assigned_tmout : scan.declared_tmout;
        // A value in /etc/bash.bashrc alone is not sufficient.
        const auto is_in_profile = [](const Scanned& one) { return one.at.file != "/etc/bash.bashrc"; };
        return evidence.add(found, 0, most) && std::ranges::any_of(found, is_in_profile);
    }
    case Check::peer_interval:
        return scan_interval(native, control, evidence);
    case Check::peer_count:
        return scan_files(scan.alive_count, reading.sshd_main_only, most, most, evidence);
    case Check::ssh_sessions:
        return scan_files(scan.ssh_sessions, reading.sshd_main_only, 0, most, evidence);
    case Check::idle_any:
        break;
    }
    return std::nullopt;
}

// Each of the following functions returns whether the settings in effect of other tools fulfill the control.

/// If several maxlogins lines have the domain "*" (all users), pam_limits applies the last one, whatever its type. A
/// line for a user or a group overrides it (process_limit() in pam_limits.c). Whether the user exists is not checked. A
/// limit of 0 denies every login.
bool sessions_in_force(const Native& native, unsigned most, Evidence& evidence) {
    const LoginLimit* last = nullptr;
    for (const LoginLimit& limit : native.login_limits) {
        if (limit.domain == "*" && limit.item == "maxlogins") {
            last = &limit;
        }
    }
    bool good = last != nullptr && evidence.add(is_within(last->most, 1, most), last->at);
    for (const LoginLimit& limit : particular_login_limits(native.login_limits)) {
        good = evidence.add(is_within(limit.most, 1, most), limit.at) && good;
    }
    return good;
}

bool idle_session_in_force(const Native& native, unsigned seconds, Evidence& evidence) {
    return native.stop_idle &&
           evidence.add(native.stop_idle->value <= std::chrono::seconds(seconds), native.stop_idle->at) &&
           native.logind_sees_ssh_idle;
}

bool shell_timeout_in_force(const Native& native, unsigned seconds, Evidence& evidence) {
    bool good = !native.shell_timeouts.empty();
    for (const ShellTimeout& timeout : native.shell_timeouts) {
        good = evidence.add(timeout.fixed && is_within(timeout.seconds, 1, seconds), timeout.at) && good;
    }
    return good;
}

bool sshd_in_force(const std::vector<SshdValue>& values, unsigned otherwise, unsigned least, unsigned most,
                   Evidence& evidence) {
    const SshdValue* all = applying(values);
    bool good =
        all != nullptr ? evidence.add(is_within(all->value, least, most), all->at) : is_within(otherwise, least, most);
    for (const SshdValue& value : values) {
        if (value.scope == SshdScope::match_some) {
            good = evidence.add(is_within(value.value, least, most), value.at) && good;
        }
    }
    return good;
}

bool native_in_force(const Native& native, const Control& control, Evidence& evidence) {
    const unsigned most = control.value;
    // The CIS benchmarks only require keepalives above 0. The scanner's rules have particular values.
    const unsigned most_alive = control.profile == Profile::cis ? policy::unlimited_count : most;
    switch (control.check) {
    case Check::sessions:
        return sessions_in_force(native, most, evidence);
    case Check::idle_session:
        return idle_session_in_force(native, most, evidence);
    case Check::shell_timeout:
        return shell_timeout_in_force(native, most, evidence);
    case Check::peer_interval: // sshd's default is 0
        return sshd_in_force(native.alive_interval, 0, 1, most_alive, evidence);
    case Check::peer_count: // sshd's default is 3
        return sshd_in_force(native.alive_count, 3, 1, most_alive, evidence);
    case Check::ssh_sessions: // sshd's default is 10
        return sshd_in_force(native.ssh_sessions, 10, 0, most, evidence);
    case Check::idle_any: {
        const bool shell = shell_timeout_in_force(native, most, evidence);
        return idle_session_in_force(native, most, evidence) || shell;
    }
    }
    return false;
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
    case Check::shell_timeout:
    case Check::idle_any:
        break;
    case Check::peer_interval:
    case Check::peer_count:
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
    finding.ours = within && !native.module.empty() && native.in_effect == PolicyInEffect::same;
    if (within) {
        finding.exceptions =
            sessions ? exceptions(*policy, most, Duration::max()) : exceptions(*policy, policy::unlimited_count, idle);
    }
}

Finding finding_about(const Control& control, const Native& native, const std::optional<policy::Policy>& policy) {
    Finding finding;
    finding.control = &control;
    Evidence evidence;
    finding.scanner = scanner_verdict(native, control, evidence);
    const bool is_native = native_in_force(native, control, evidence);
    finding.native = evidence.lines();
    compare_ours(native, policy, finding);
    finding.in_force = is_native || finding.ours.value_or(false);
    return finding;
}

} // namespace

Report judge(const Native& native, const std::optional<policy::Policy>& policy, std::optional<Profile> profile) {
    Report report;
    for (const Profile each : profiles) {
        if (profile && each != *profile) {
            continue;
        }
        for (const Control* control : controls_for(each, native.os, native.version)) {
            report.findings.push_back(finding_about(*control, native, policy));
        }
    }
    auto conflicts = propose_remedies(native, report.findings);
    report.warnings = warnings_about(native, policy);
    std::ranges::move(conflicts, std::back_inserter(report.warnings));
    std::ranges::move(warnings_about_findings(report.findings, native, policy), std::back_inserter(report.warnings));
    return report;
}

Report judge_policy(const Native& native, const std::optional<policy::Policy>& policy, const Control& control) {
    Finding finding;
    finding.control = &control;
    compare_ours(native, policy, finding);
    finding.in_force = finding.ours.value_or(false);
    Report report;
    report.findings.push_back(std::move(finding));
    report.warnings = warnings_about(native, policy);
    return report;
}

} // namespace sesslimit::audit
