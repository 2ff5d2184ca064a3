// SPDX-License-Identifier: MIT
#include "ctl/audit/remedies.hpp"

#include "daemon/host_config/text.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

namespace sesslimit::audit {
namespace {

using host_config::number_in;
using host_config::words_of;

constexpr std::string_view limits_file = "/etc/security/limits.d/50-sessions.conf";
constexpr std::string_view logind_main = "/etc/systemd/logind.conf";
constexpr std::string_view logind_drop_ins = "/etc/systemd/logind.conf.d/";
constexpr std::string_view profile_file = "/etc/profile.d/tmout.sh";
constexpr std::string_view sshd_main = "/etc/ssh/sshd_config";

Remedy replace(const Line& line, std::string text) {
    return {line.file, line.number, false, {std::move(text)}};
}

Remedy add(std::string_view file, std::vector<std::string> lines) {
    return {std::string(file), 0, file == sshd_main, std::move(lines)};
}

std::string indentation_of(const Line& line) {
    return line.text.substr(0, std::min(line.text.find_first_not_of(" \t"), line.text.size()));
}

bool is_in(const std::vector<Scanned>& scanned, const Line& line, unsigned least, unsigned most) {
    return std::ranges::any_of(scanned, [&](const Scanned& one) {
        const auto value = number_in(one.value);
        return one.at == line && value && *value >= least && *value <= most;
    });
}

/// Returns true if scanners find an acceptable value in a line.
bool is_in(const ScannedFiles& scanned, const Line& line, unsigned least, unsigned most) {
    return is_in(scanned.main, line, least, most) || is_in(scanned.drop_ins, line, least, most);
}

void add_line(std::vector<Line>& lines, const Line& line) {
    if (std::ranges::find(lines, line) == lines.end()) {
        lines.push_back(line);
    }
}

std::vector<Remedy> for_sessions(const Native& native, unsigned most) {
    std::vector<Line> lines;
    for (const LoginLimit& limit : native.login_limits) {
        if (limit.domain == "*" && limit.item == "maxlogins") {
            add_line(lines, limit.at);
        }
    }
    for (const Line& line : native.scan.present_login_limits) {
        add_line(lines, line);
    }
    const std::string text = " hard maxlogins " + std::to_string(most);
    std::vector<Remedy> remedies;
    if (lines.empty()) {
        remedies.push_back(add(limits_file, {"*" + text}));
    }
    for (const LoginLimit& limit : particular_login_limits(native.login_limits)) {
        if (!limit.most || *limit.most < 1 || *limit.most > most) {
            remedies.push_back(replace(limit.at, limit.domain + text));
        }
    }
    for (const Line& line : lines) {
        if (!is_in(native.scan.login_limits, line, 1, most)) {
            remedies.push_back(replace(line, "*" + text));
        }
    }
    return remedies;
}

std::vector<Remedy> for_idle_session(const Native& native, bool needs_drop_in, unsigned seconds) {
    const std::string text = "StopIdleSessionSec=" + std::to_string(seconds);
    std::vector<Remedy> remedies;
    bool in_main = false;
    bool in_drop_ins = false;
    bool vendor = false; // True if a file that the administrator must not change sets another value.
    for (const Line& line : native.stop_idle_lines) {
        const bool main = line.file == logind_main;
        const bool drop_in = line.file.starts_with(logind_drop_ins);
        in_main = in_main || main;
        in_drop_ins = in_drop_ins || drop_in;
        if (!main && !drop_in) {
            vendor = true;
        } else if (host_config::trimmed(line.text) != text) {
            remedies.push_back(replace(line, text));
        }
    }
    if (!in_main) {
        remedies.push_back(add(logind_main, {"[Login]", text}));
    }
    if ((needs_drop_in && !in_drop_ins) || vendor) {
        const std::string name = vendor ? "zz-sessions.conf" : "50-sessions.conf";
        remedies.push_back(add(std::string(logind_drop_ins) + name, {"[Login]", text}));
    }
    return remedies;
}

/// Returns a command without its assignments of TMOUT and changes of its attributes, or ":" if nothing else remains.
std::string command_without_tmout(const std::string& command) {
    constexpr std::array before = {"then", "do", "else", "{", "(", "!"};
    constexpr std::array builtins = {"declare", "typeset", "export", "readonly", "local", "unset"};
    const auto is_tmout = [](const std::string& word) { return word == "TMOUT" || word.starts_with("TMOUT="); };
    std::vector<std::string> words = words_of(command);
    auto first = words.begin();
    while (first != words.end() && std::ranges::find(before, *first) != before.end()) {
        ++first;
    }
    const bool is_builtin = first != words.end() && std::ranges::find(builtins, *first) != builtins.end();
    const auto is_assignment = [](const std::string& word) { return word.find('=') != std::string::npos; };
    if (std::none_of(first, words.end(), is_tmout) ||
        (!is_builtin && !std::all_of(first, words.end(), is_assignment))) {
        return command;
    }
    std::string kept;
    for (auto word = words.begin(); word != first; ++word) {
        kept += *word + " ";
    }
    const auto is_rest = [&](const std::string& word) { return !is_tmout(word) && !word.starts_with('-'); };
    if (std::none_of(first + (is_builtin ? 1 : 0), words.end(), is_rest)) {
        return kept + ":";
    }
    for (auto word = first; word != words.end(); ++word) {
        kept += is_tmout(*word) ? "" : *word + " ";
    }
    return kept;
}

/// Returns a line of a shell script that does not set TMOUT and is otherwise unchanged.
std::string line_without_tmout(const Line& line) {
    const std::string_view code = without_shell_comment(line.text);
    std::string text = indentation_of(line);
    std::string command;
    for (const char c : code) {
        if (c == ';' || c == '&' || c == '|') {
            text += command_without_tmout(std::exchange(command, {}));
            text += c;
        } else {
            command += c;
        }
    }
    text += command_without_tmout(command);
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

/// Returns lines that make TMOUT readonly in the notation that scanners expect. Shells other than bash also read the
/// file, and a login may read it twice. `unset` fails in the subshell if TMOUT is readonly already.
std::vector<std::string> tmout_lines(bool assigns, unsigned seconds) {
    const std::string value = "TMOUT=" + std::to_string(seconds);
    if (assigns) {
        return {"if (unset TMOUT) 2>/dev/null; then", "    " + value, "    readonly TMOUT", "    export TMOUT", "fi"};
    }
    return {R"(if [ -n "${BASH_VERSION-}" ] && (unset TMOUT) 2>/dev/null; then)", "    declare -xr " + value, "fi"};
}

std::vector<Remedy> for_shell_timeout(const Native& native, unsigned seconds) {
    const bool assigns = reading_of(native.os, native.version).assigns_tmout;
    const std::vector<Scanned>& scanned = assigns ? native.scan.assigned_tmout : native.scan.declared_tmout;
    // A file is left unchanged if the scanner finds all of its values and each is acceptable.
    std::map<std::string, bool> is_good;
    for (const Line& line : native.shell_lines) {
        is_good[line.file] = false;
    }
    bool found = false;
    for (auto& [file, good] : is_good) {
        const auto is_here = [&](const auto& one) { return one.at.file == file; };
        good = std::ranges::any_of(native.shell_timeouts, is_here) &&
               std::ranges::all_of(native.shell_timeouts, [&](const ShellTimeout& one) {
                   return !is_here(one) || (one.fixed && is_in(scanned, one.at, 1, seconds));
               });
        found = found || (good && file != "/etc/bash.bashrc"); // which scanners do not regard as sufficient
    }
    std::vector<Remedy> remedies;
    for (const Line& line : native.shell_lines) {
        if (!is_good[line.file]) {
            remedies.push_back(replace(line, line_without_tmout(line)));
        }
    }
    if (!found) {
        remedies.push_back(add(profile_file, tmout_lines(assigns, seconds)));
    }
    return remedies;
}

/// The values of a keyword of sshd_config(5) on the host, and the values that controls accept.
struct SshdKeyword {
    std::string_view name;
    const std::vector<SshdValue>& values;
    const ScannedFiles& scanned;
    unsigned least;
};

std::vector<Remedy> for_sshd(const Native& native, const SshdKeyword& keyword, unsigned most) {
    const bool main_only = reading_of(native.os, native.version).sshd_main_only;
    std::vector<Line> lines;
    bool is_set = false; // True if one of the lines applies to all connections and is in a file that scanners read.
    for (const SshdValue& value : keyword.values) {
        add_line(lines, value.at);
        is_set = is_set || (value.scope != SshdScope::match_some && (!main_only || value.at.file == sshd_main));
    }
    for (const auto* files : {&keyword.scanned.main, &keyword.scanned.drop_ins}) {
        for (const Scanned& one : *files) {
            add_line(lines, one.at);
        }
    }
    const std::string text = std::string(keyword.name) + " " + std::to_string(most);
    std::vector<Remedy> remedies;
    for (const Line& line : lines) {
        if (!is_in(keyword.scanned, line, keyword.least, most)) {
            remedies.push_back(replace(line, indentation_of(line) + text));
        }
    }
    if (!is_set) {
        remedies.push_back(add(sshd_main, {text}));
    }
    return remedies;
}

/// The findings about one kind of setting.
struct Plan {
    const Control* strictest = nullptr;
    const Control* conflicting = nullptr; ///< Control that requires exactly another value, if any.
    bool needs_logind_drop_in = false;
};

std::vector<Remedy> for_check(const Native& native, Check check, const Plan& plan) {
    const unsigned value = plan.strictest->value;
    switch (check) {
    case Check::sessions:
        return for_sessions(native, value);
    case Check::idle_session:
        return for_idle_session(native, plan.needs_logind_drop_in, value);
    case Check::shell_timeout:
        return for_shell_timeout(native, value);
    case Check::peer_interval:
        return for_sshd(native, {"ClientAliveInterval", native.alive_interval, native.scan.alive_interval, 1}, value);
    case Check::peer_count:
        return for_sshd(native, {"ClientAliveCountMax", native.alive_count, native.scan.alive_count, value}, value);
    case Check::ssh_sessions:
        return for_sshd(native, {"MaxSessions", native.ssh_sessions, native.scan.ssh_sessions, 1}, value);
    case Check::idle_any:
        return {add("/etc/sesslimit/managed.d/50-pci-dss.toml",
                    {"version = 1", "[defaults]", "idle_timeout = \"15min\"", "on_idle = \"lock\""})};
    }
    return {};
}

std::string_view setting_of(Check check) {
    return check == Check::peer_count ? "ClientAliveCountMax" : "StopIdleSessionSec";
}

std::map<Check, Plan> plans_for(const std::vector<Finding>& findings) {
    std::map<Check, Plan> plans;
    for (const Finding& finding : findings) {
        const Control& control = *finding.control;
        Plan& plan = plans[control.check];
        plan.needs_logind_drop_in = plan.needs_logind_drop_in || needs_logind_drop_in(control);
        const bool exactly = control.check == Check::peer_count || control.check == Check::idle_session;
        if (exactly && plan.strictest != nullptr && plan.strictest->value != control.value) {
            plan.conflicting = plan.strictest->value < control.value ? &control : plan.strictest;
        }
        if (plan.strictest == nullptr || control.value < plan.strictest->value) {
            plan.strictest = &control;
        }
    }
    return plans;
}

} // namespace

std::vector<Warning> propose_remedies(const Native& native, std::vector<Finding>& findings) {
    const std::map<Check, Plan> plans = plans_for(findings);
    const bool needs_count = reading_of(native.os, native.version).interval_needs_count;
    for (Finding& finding : findings) {
        if (!finding.needs_remedy()) {
            continue;
        }
        const auto append = [&](Check check) {
            if (const auto plan = plans.find(check); plan != plans.end()) {
                std::ranges::move(for_check(native, check, plan->second), std::back_inserter(finding.remedies));
            }
        };
        append(finding.control->check);
        if (finding.control->check == Check::peer_interval && needs_count) {
            append(Check::peer_count);
        }
    }
    std::vector<Warning> warnings;
    for (const auto& [check, plan] : plans) {
        if (plan.conflicting != nullptr) {
            warnings.push_back({"No value of " + std::string(setting_of(check)) +
                                    " satisfies the scanner rules of both " + std::string(plan.strictest->id) + " (" +
                                    std::to_string(plan.strictest->value) + ") and " +
                                    std::string(plan.conflicting->id) + " (" + std::to_string(plan.conflicting->value) +
                                    "). The stricter value is proposed; use --profile to choose one of them.",
                                {}});
        }
    }
    return warnings;
}

} // namespace sesslimit::audit
