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

constexpr std::string_view no_ssh_idle =
    "logind of this host does not know the terminals of SSH sessions. Therefore StopIdleSessionSec does not terminate "
    "them, even if a scanner accepts it. Only idle_timeout in the policy of sesslimit does.";

/// Returns the sessions that logind terminates if they are idle.
std::string_view idle_kind(const Native& native) {
    return native.logind_sees_ssh_idle ? "idle sessions" : "idle sessions on consoles and displays";
}

/// Returns idle_timeout_no_terminal of an ordinary user, or nullopt if the policy does not set it.
std::optional<Duration> timeout_without_terminal(const policy::Policy& policy) {
    const Ours<Duration> timeout = ordinary_limits(policy).idle_timeout_no_terminal;
    return timeout.at.file.empty() ? std::nullopt : std::optional(timeout.value);
}

std::string keepalive_text(std::uint64_t seconds, Duration timeout) {
    return "ClientAliveInterval " + std::to_string(seconds) +
           " sends keepalives on idle connections. sesslimit cannot determine when the last data before them was sent, "
           "so that a session without a terminal may end later than idle_timeout_no_terminal (" +
           format_span(timeout) + "), after at most twice that time.";
}

/// Adds warnings about the idle timeout of logind, which may override the policy of sesslimit. logind considers only
/// input on the terminal as activity, and does not warn users (systemd's session_get_idle_hint()).
void about_logind(const Native& native, const policy::Policy& policy, std::vector<Warning>& warnings) {
    if (!native.stop_idle) {
        return;
    }
    const Line& at = native.stop_idle->at;
    if (!native.logind_sees_ssh_idle) {
        warnings.push_back({std::string(no_ssh_idle), {at}});
    }
    const auto gentler = undone_by(policy, native.stop_idle->value);
    if (!gentler.empty()) {
        warnings.push_back({"logind terminates sessions after " + format_span(native.stop_idle->value) +
                                " without input, also during output or with programs at work, and does not warn users. "
                                "For " +
                                std::string(idle_kind(native)) +
                                ", this overrides these settings of the policy: " + joined(gentler) + ".",
                            {at}});
    }
}

/// Adds a warning if keepalives of sshd delay the idle timeout of sessions without a terminal.
void about_keepalives(const Native& native, const policy::Policy& policy, std::vector<Warning>& warnings) {
    const SshdValue* interval = applying(native.alive_interval);
    const auto timeout = timeout_without_terminal(policy);
    if (interval != nullptr && *interval->value > 0 && timeout && std::chrono::seconds(*interval->value) < *timeout) {
        warnings.push_back({keepalive_text(*interval->value, *timeout), {interval->at}});
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

bool is_for_everybody(const LoginLimit& limit) {
    return limit.domain == "*" && limit.item == "maxlogins";
}

/// Returns a warning text if pam_limits with a maxlogins limit of `most` for all users denies logins that max_sessions
/// of the policy allows. Returns an empty text otherwise, or if the policy does not limit the number of sessions.
std::string login_limit_text(const Native& native, const policy::Policy& policy, std::uint64_t most) {
    const auto allowed = ordinary_limits(policy).max_sessions.value;
    const std::string limit = "maxlogins " + std::to_string(most);
    if (allowed == policy::unlimited_count) {
        return {};
    }
    if (native.login_count == LoginCount::logind && most <= allowed) {
        return limit +
               ": pam_limits counts the sessions of logind. These include sessions whose processes still run "
               "after the logout and, depending on the version of PAM, the user manager. It therefore denies "
               "logins before max_sessions of the policy is reached, and at_limit has no effect. Set "
               "max_sessions to at most " +
               std::to_string(most - 1) + ".";
    }
    if (native.login_count == LoginCount::utmp && most < allowed) {
        return limit + ": pam_limits allows each user fewer sessions than max_sessions in the policy of sesslimit.";
    }
    return {};
}

/// Returns true if sesslimit limits the number of sessions of ordinary users.
bool limits_sessions(const Native& native, const std::optional<policy::Policy>& policy) {
    if (!policy || native.module.empty() || native.in_effect != PolicyInEffect::same) {
        return false;
    }
    const Ours<policy::Count> limit = ordinary_limits(*policy).max_sessions;
    return limit.enforced && limit.value != policy::unlimited_count;
}

/// Adds warnings about the login limits of pam_limits, which may conflict with the policy of sesslimit. pam_limits
/// checks only one login limit per login, and counts the logins in utmp or logind. It denies every login above its
/// limit, even if at_limit in the policy is not "deny".
void about_login_limits(const Native& native, const std::optional<policy::Policy>& policy,
                        std::vector<Warning>& warnings) {
    std::set<std::string> kinds;
    std::vector<Line> all;
    const LoginLimit* last = nullptr; // the one that pam_limits applies to all users
    for (const LoginLimit& limit : native.login_limits) {
        if (is_for_everybody(limit)) {
            last = &limit;
        }
        if (!limit.most) {
            continue;
        }
        kinds.insert(limit.item + (limit.domain.starts_with('%') ? " of %groups" : ""));
        all.push_back(limit.at);
        if (limit.most == 0) {
            warnings.push_back({"A " + limit.item + " limit of 0 denies every login.", {limit.at}});
        } else if (limit.most == 1 && limit.item == "maxlogins") {
            warnings.push_back(
                {"A maxlogins limit of 1 may prevent the start of user@.service if pam_limits counts logind sessions.",
                 {limit.at}});
        }
    }
    if (last != nullptr && last->most && *last->most > 0) {
        if (std::string text = policy ? login_limit_text(native, *policy, *last->most) : ""; !text.empty()) {
            warnings.push_back({std::move(text), {last->at}});
        }
        if (native.login_count == LoginCount::utmp && !limits_sessions(native, policy)) {
            warnings.push_back(
                {"pam_limits counts entries of utmp. It does not limit SSH sessions without a terminal.", {last->at}});
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
    if (native.in_effect == PolicyInEffect::none) {
        warnings.push_back({"sesslimitd is not running or has no policy. Therefore sesslimit enforces no limits.", {}});
    } else if (policy && native.in_effect == PolicyInEffect::other) {
        warnings.push_back({"The policy files differ from those that sesslimitd has loaded. Therefore their limits are "
                            "not in force; run 'sesslimitctl reload'.",
                            {}});
    }
    if (policy) {
        const Ordinary ordinary = ordinary_limits(*policy);
        if (!ordinary.max_sessions.enforced) {
            warnings.push_back(
                {"The mode of the policy is observe: sesslimit logs its decisions but does not enforce limits.", {}});
        }
    }
}

bool proposes(const Finding& finding, Check check) {
    return finding.control->check == check && !finding.remedies.empty();
}

/// Adds warnings about the changes that the audit proposes.
void about_remedies(const std::vector<Finding>& findings, const Native& native, const policy::Policy& policy,
                    std::vector<Warning>& warnings) {
    for (const Finding& finding : findings) {
        const std::string id(finding.control->id);
        const unsigned value = finding.control->value;
        if (proposes(finding, Check::sessions)) {
            if (std::string text = login_limit_text(native, policy, value); !text.empty()) {
                warnings.push_back({"Control " + id + " requires a limit of pam_limits. " + std::move(text), {}});
            }
        } else if (proposes(finding, Check::idle_session)) {
            if (const auto undone = undone_by(policy, std::chrono::seconds(value)); !undone.empty()) {
                warnings.push_back({"Control " + id + " requires a value of StopIdleSessionSec. For " +
                                        std::string(idle_kind(native)) +
                                        ", this value would override these settings of the policy: " + joined(undone) +
                                        ".",
                                    {}});
            }
        } else if (const auto timeout = timeout_without_terminal(policy);
                   proposes(finding, Check::peer_interval) && timeout && std::chrono::seconds(value) < *timeout) {
            warnings.push_back({"Control " + id + " requires keepalives. " + keepalive_text(value, *timeout), {}});
        }
    }
}

/// Adds a warning if sesslimit enforces a control of the number of sessions, but does not count sessions whose
/// processes still run after the logout.
void about_left_behind(const std::vector<Finding>& findings, const policy::Policy& policy,
                       std::vector<Warning>& warnings) {
    const auto counted = std::ranges::find_if(findings, [](const Finding& finding) {
        return finding.control->check == Check::sessions && finding.ours.value_or(false);
    });
    if (counted == findings.end() || ordinary_limits(policy).counts_left_behind) {
        return;
    }
    warnings.push_back(
        {"max_sessions does not count sessions of which processes still run after the logout, such as those of mosh. "
         "If these must be counted (NIST SP 800-53 AC-10), set 'count_left_behind = true'.",
         {counted->policy.value_or(Line{})}});
}

/// Adds a warning if a control passes only because of the policy of sesslimit, which no scanner reads.
void about_unscanned(const std::vector<Finding>& findings, std::vector<Warning>& warnings) {
    for (const Finding& finding : findings) {
        if (!finding.scanner && finding.ours.value_or(false) && finding.control->check == Check::idle_any) {
            warnings.push_back(
                {"No scanner connects " + std::string(finding.control->id) +
                     " with the policy of sesslimit. Scanners check ClientAliveInterval, "
                     "ClientAliveCountMax and TMOUT for this requirement. Give the auditor the output of "
                     "'sesslimitctl audit --json=pretty'.",
                 {finding.policy.value_or(Line{})}});
        }
    }
}

} // namespace

std::vector<Warning> warnings_about_findings(const std::vector<Finding>& findings, const Native& native,
                                             const std::optional<policy::Policy>& policy) {
    std::vector<Warning> warnings;
    if (policy) {
        about_remedies(findings, native, *policy, warnings);
        about_left_behind(findings, *policy, warnings);
    }
    about_unscanned(findings, warnings);
    return warnings;
}

std::vector<Warning> warnings_about(const Native& native, const std::optional<policy::Policy>& policy) {
    std::vector<Warning> warnings;
    about_ourselves(native, policy, warnings);
    if (policy) {
        about_logind(native, *policy, warnings);
        about_keepalives(native, *policy, warnings);
        about_cockpit(native, *policy, warnings);
    }
    about_login_limits(native, policy, warnings);
    std::ranges::move(warnings_about_placement(native.pam_stacks), std::back_inserter(warnings));
    if (const auto& at = native.sshd_without_pam) {
        warnings.push_back({host_config::sshd_without_pam_text({}), {*at}});
    }
    for (const SshdValue& count : native.alive_count) {
        if (count.value == 0) {
            warnings.push_back(
                {"ClientAliveCountMax 0 disables the disconnection of unresponsive SSH clients.", {count.at}});
        }
    }
    for (const TextFile& file : native.unread) {
        warnings.push_back({"The audit ignores the settings in a configuration file because it could not be read: " +
                                escape_for_display(file.error) + ".",
                            {{file.path, 0, {}}}});
    }
    return warnings;
}

} // namespace sesslimit::audit
