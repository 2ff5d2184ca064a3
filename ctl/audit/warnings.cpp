// SPDX-License-Identifier: MIT
#include "ctl/audit/warnings.hpp"

#include "common/duration.hpp"
#include "common/text.hpp"
#include "ctl/audit/ours.hpp"
#include "ctl/audit/placement.hpp"
#include "daemon/host_config/sshd_config.hpp"

#include <algorithm>
#include <iterator>
#include <set>

namespace sesslimit::audit {
namespace {

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts) {
        text += (text.empty() ? "" : ", ") + part;
    }
    return text;
}

/// Returns descriptions of the policy's settings that the idle timeout `native` of logind overrides for idle sessions.
/// Returns an empty list if the policy has no idle limit.
std::vector<std::string> undone_by(const policy::Policy& policy, Duration native) {
    const bool silent = ordinary_limits(policy).idle_timeout.at.file.empty();
    return silent ? std::vector<std::string>() : gentler_than(policy, native);
}

/// Adds warnings about the idle timeout of logind, which may override the policy of sesslimit. logind considers only
/// input on the terminal as activity, and does not warn users (systemd's session_get_idle_hint()).
void about_logind(const Native& native, const policy::Policy& policy, std::vector<Warning>& warnings) {
    if (!native.stop_idle) {
        return;
    }
    const auto gentler = undone_by(policy, native.stop_idle->value);
    if (!gentler.empty()) {
        warnings.push_back({"logind terminates sessions after " + format_span(native.stop_idle->value) +
                                " without input and does not warn users. For idle sessions, this overrides these "
                                "settings of the policy: " +
                                joined(gentler) + ".",
                            {native.stop_idle->at}});
    }
}

/// Adds a warning if the idle timeout of the policy would not terminate sessions of Cockpit, because the daemon cannot
/// observe their use.
void about_cockpit(const Native& native, const policy::Policy& policy, std::vector<Warning>& warnings) {
    const auto cockpit = std::ranges::find(native.pam_stacks, "cockpit", &PamStack::service);
    const auto is_ours = [](const PamModule& module) { return module.name == our_module; };
    if (cockpit == native.pam_stacks.end() || native.cockpit_has_idle_timeout ||
        ordinary_limits(policy).idle_timeout.at.file.empty()) {
        return;
    }
    if (const auto ours = std::ranges::find_if(cockpit->modules, is_ours); ours != cockpit->modules.end()) {
        warnings.push_back({"The idle timeout does not apply to sessions of Cockpit, because their use cannot be "
                            "observed. Set IdleTimeout in the section [Session] of /etc/cockpit/cockpit.conf.",
                            {ours->at}});
    }
}

bool is_for_everybody_or_all(const LoginLimit& limit) {
    return limit.most && limit.type != "soft";
}

/// Adds warnings about the login limits of pam_limits, which may conflict with the policy of sesslimit. pam_limits
/// checks only one login limit per login, and counts the logins in utmp or logind. It denies every login above its
/// limit, even if at_limit in the policy is not "deny".
void about_login_limits(const Native& native, const std::optional<policy::Policy>& policy,
                        std::vector<Warning>& warnings) {
    std::set<std::string> kinds;
    std::vector<Line> all;
    for (const LoginLimit& limit : native.login_limits) {
        if (!is_for_everybody_or_all(limit)) {
            continue;
        }
        kinds.insert(limit.item + (limit.domain.starts_with('%') ? " of %groups" : ""));
        all.push_back(limit.at);
        if (limit.most == 1 && limit.item == "maxlogins") {
            warnings.push_back(
                {"A maxlogins limit of 1 may prevent the start of user@.service if pam_limits counts logind sessions.",
                 {limit.at}});
        }
        const bool everybody = policy && limit.domain == "*" && limit.item == "maxlogins";
        if (everybody && *limit.most < ordinary_limits(*policy).max_sessions.value) {
            warnings.push_back({"pam_limits allows each user only " + std::to_string(*limit.most) +
                                    " sessions, which is less than max_sessions in the policy of sesslimit.",
                                {limit.at}});
        }
    }
    if (kinds.size() > 1) {
        warnings.push_back(
            {"pam_limits checks only one login limit for each login. Not all of the following limits are enforced.",
             all});
    }
}

void about_ourselves(const Native& native, const std::optional<policy::Policy>& policy,
                     std::vector<Warning>& warnings) {
    if (!policy) {
        warnings.push_back(
            {"The policy contains errors, and the audit ignores it; run 'sesslimitctl check' to list the errors.", {}});
    }
    if (native.module.empty()) {
        warnings.push_back({"No PAM service uses pam_sesslimit.so. Therefore sesslimit cannot deny any login.", {}});
    }
    if (policy) {
        const Ordinary ordinary = ordinary_limits(*policy);
        if (!ordinary.max_sessions.enforced) {
            warnings.push_back(
                {"The mode of the policy is observe: sesslimit logs its decisions but does not enforce limits.", {}});
        }
    }
}

} // namespace

std::vector<Warning> warnings_about_remedies(const std::vector<Finding>& findings, const policy::Policy& policy) {
    std::vector<Warning> warnings;
    for (const Finding& finding : findings) {
        const Check check = finding.control->check;
        if (!finding.remedy || (check != Check::idle_session && check != Check::idle_main)) {
            continue;
        }
        const auto undone = undone_by(policy, std::chrono::seconds(finding.control->value));
        if (!undone.empty()) {
            warnings.push_back({"Control " + std::string(finding.control->id) +
                                    " requires a value of StopIdleSessionSec. "
                                    "For idle sessions, this value would override these settings of the policy: " +
                                    joined(undone) + ".",
                                {}});
        }
    }
    return warnings;
}

std::vector<Warning> warnings_about_left_behind(const std::vector<Finding>& findings, const policy::Policy& policy) {
    const auto counted = std::ranges::find_if(findings, [](const Finding& finding) {
        return finding.control->check == Check::sessions && finding.ours.value_or(false);
    });
    if (counted == findings.end() || ordinary_limits(policy).counts_left_behind) {
        return {};
    }
    return {
        {"max_sessions does not count sessions of which processes still run after the logout, such as those of mosh. "
         "If these must be counted (NIST SP 800-53 AC-10), set 'count_left_behind = true'.",
         {counted->policy.value_or(Line{})}}};
}

std::vector<Warning> warnings_about(const Native& native, const std::optional<policy::Policy>& policy) {
    std::vector<Warning> warnings;
    about_ourselves(native, policy, warnings);
    if (policy) {
        about_logind(native, *policy, warnings);
        about_cockpit(native, *policy, warnings);
    }
    about_login_limits(native, policy, warnings);
    std::ranges::move(warnings_about_placement(native.pam_stacks), std::back_inserter(warnings));
    if (const auto& at = native.sshd_without_pam) {
        warnings.push_back({host_config::sshd_without_pam_text({}), {*at}});
    }
    if (native.alive_count && native.alive_count->value == 0) {
        warnings.push_back({"ClientAliveCountMax 0 disables the disconnection of unresponsive SSH clients.",
                            {native.alive_count->at}});
    }
    for (const TextFile& file : native.unread) {
        warnings.push_back({"The audit ignores the settings in a configuration file because it could not be read: " +
                                escape_for_display(file.error) + ".",
                            {{file.path, 0, {}}}});
    }
    return warnings;
}

} // namespace sesslimit::audit
