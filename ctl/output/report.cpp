// SPDX-License-Identifier: MIT
#include "ctl/output/report.hpp"

#include "common/text.hpp"
#include "ctl/client/escaped_client.hpp"
#include "ctl/output/format.hpp"
#include "ctl/output/table.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

namespace sesslimit::ctl {
namespace {

using Property = std::pair<std::string, std::string>;

const char* paint_of(Urgency urgency) {
    switch (urgency) {
    case Urgency::soon:
        return "\033[33m";
    case Urgency::now:
        return "\033[31m";
    case Urgency::none:
        break;
    }
    return "";
}

std::string known(const std::string& text) {
    return text.empty() ? "-" : safe(text);
}

std::string joined(const std::vector<std::string>& texts) {
    std::string all;
    for (const std::string& text : texts) {
        all += (all.empty() ? "" : ", ") + text;
    }
    return all;
}

/// Returns the sources of activity of a session. An asterisk marks that of the last activity: "input*, network".
std::string sources_words(const Session& session) {
    std::vector<std::string> sources = session.activity_sources;
    for (std::string& source : sources) {
        source += source == session.last_activity ? "*" : "";
    }
    return sources.empty() ? "-" : joined(sources);
}

/// Adds lines about the processes that the termination of a session would terminate, and about the units that would
/// continue to run.
void add_end(std::vector<Property>& lines, const Session& session) {
    const std::string manager = "processes of user@" + std::to_string(session.uid) + ".service";
    if (!session.reach) {
        lines.emplace_back("NotEnded", manager + ", such as those started with systemd-run --user");
        return;
    }
    const TerminationPreview& reach = *session.reach;
    lines.emplace_back("Ended", (reach.processes == 1 ? "1 process" : std::to_string(reach.processes) + " processes") +
                                    (reach.commands.empty() ? "" : ": " + joined(reach.commands)));
    lines.emplace_back("Kept", reach.kept.empty() ? "-" : joined(reach.kept) + ", if a limit terminates the session");
    lines.emplace_back("NotEnded", reach.other_units.empty() ? "nothing at present; in general " + manager
                                                             : joined(reach.other_units));
    lines.emplace_back("Lingers", reach.lingers ? "yes" : "no");
}

std::string place(const std::string& file, std::uint32_t line) {
    return line == 0 ? file : file + ":" + std::to_string(line);
}

std::string tier_and_rule(const std::string& tier, const std::string& rule) {
    return tier + (rule.empty() ? " [defaults]" : " rule \"" + rule + "\"");
}

std::string question_words(const ExplainQuery& question) {
    std::string words = escape_for_display(question.user);
    const std::pair<const char*, const std::optional<std::string>&> facts[] = {
        {" by ", question.service},
        {" from ", question.origin},
        {" on seat ", question.seat},
        {" with ", question.method},
        {" with credential ", question.credential}};
    for (const auto& [word, fact] : facts) {
        words += fact ? word + escape_for_display(*fact) : "";
    }
    for (const std::string& group : question.groups) {
        words += " in group " + escape_for_display(group);
    }
    return words;
}

std::string overridden_rules_text(const std::vector<MatchingRule>& rules) {
    std::string text;
    for (const MatchingRule& rule : rules) {
        if (!rule.wins) {
            text += "  " + safe(tier_and_rule(rule.tier, rule.rule)) + " at " + safe(place(rule.file, rule.line)) +
                    ": " + (rule.sets.empty() ? "sets nothing" : safe(rule.sets)) + '\n';
        }
    }
    return text.empty() ? text : "Rules that match this login but are overridden by stricter values:\n" + text + '\n';
}

constexpr std::string_view recording_advice =
    "see 'journalctl -u sesslimitd -p err', and run 'systemctl restart sesslimitd' to create a new ledger";

std::string policy_words(const Status& status, PolicyFiles files) {
    if (status.policy_state == "files") {
        return files == PolicyFiles::changed
                   ? "loaded from the policy files, which have changed since (run 'sesslimitctl reload')"
                   : "loaded from the policy files";
    }
    if (status.policy_state == "kept") {
        return files == PolicyFiles::same
                   ? "last valid policy, which the policy files contain again (run 'sesslimitctl reload')"
                   : "last valid policy (the policy files were rejected; run 'sesslimitctl check')";
    }
    return status.policy_state == "none"
               ? "none, sesslimitd is running without limits (run 'sesslimitctl check' for the reason)"
               : known(status.policy_state);
}

std::string event_about(const Event& event, Usec now) {
    const Session& session = event.session;
    if (event.name == "policy-changed") {
        return safe(event.policy_state);
    }
    std::string about =
        known(session.id) + " " + user_words(session) + " " + known(session.service) + " from " + origin_words(session);
    if (event.left) {
        about += ", " + (*event.left > 0 ? rough(*event.left) + " left" : std::string("now"));
    } else if (event.name == "ended" || event.name == "released") {
        about += ", open since " + short_time(session.since, now);
    }
    return session.reason.empty() ? about : about + ": " + safe(session.reason);
}

} // namespace

void sort_by_id(std::vector<Session>& sessions) {
    const auto rank = [](const Session& session) {
        std::uint64_t number = 0;
        const char* end = session.id.data() + session.id.size();
        const auto [stop, error] = std::from_chars(session.id.data(), end, number);
        const bool is_number = error == std::errc() && stop == end;
        return std::tuple(!is_number, is_number ? number : 0, session.id);
    };
    std::ranges::sort(sessions, {}, rank);
}

std::string list_text(const std::vector<Session>& sessions, const Style& style, Usec now) {
    Table table{.columns = {{"SESSION", 0, 0},
                            {"USER", 8, 0},
                            {"SERVICE", 8, 5},
                            {"TERMINAL", 8, 3},
                            {"FROM", 10, 2},
                            {"SINCE", 0, 4},
                            {"IDLE", 0, 1},
                            {"ACTIVITY", 0, 0, true},
                            {"ENDS", 0, 0}},
                .rows = {},
                .paint = {}};
    for (const Session& session : sessions) {
        table.rows.push_back({session.id, user_words(session), known(session.service), terminals_words(session),
                              known(session.origin), short_time(session.since, now), idle_words(session, now),
                              sources_words(session), end_text(session, now)});
        table.paint.emplace_back(paint_of(urgency_of(session, now)));
    }
    std::string text = sessions.empty() ? "" : drawn(table, style);
    if (style.legend) {
        text += (sessions.empty() ? "No session" : "\n" + counted(sessions.size(), "session")) + " listed.\n";
    }
    return text;
}

std::string show_text(const Session& session, Usec now) {
    std::vector<Property> lines{
        {"Id", session.id},
        {"Key", std::to_string(session.key)},
        {"User", user_words(session)},
        {"Uid", std::to_string(session.uid)},
        {"State", session.state},
        {"Service", known(session.service)},
        {"Terminals", terminals_words(session)},
        {"Origin", origin_words(session)},
        {"Seat", known(session.seat)},
        {"Scope", known(session.scope)},
        {"Leader", std::to_string(session.leader)},
        {"Adopted", session.adopted ? "yes" : "no"},
        {"Since", long_time(session.since, now)},
        {"IdleSince", long_time(session.idle_since, now)},
        {"MaxDuration", exact(session.max_duration)},
        {"IdleTimeout", exact(session.idle_timeout)},
        {"ActivitySources", session.activity_sources.empty() ? "-" : joined(session.activity_sources)},
        {"LastActivity", known(session.last_activity)},
        {"DurationEndsAt", long_time(session.duration_ends_at, now)},
        {"IdleEndsAt", long_time(session.idle_ends_at, now)},
        {"Mode", session.mode},
        {"Reason", known(session.reason)},
    };
    const std::pair<const char*, const std::optional<std::string>&> told[] = {
        {"Credential", session.credential}, {"Method", session.method}, {"RemoteUser", session.remote_user}};
    for (const auto& [key, value] : told) {
        if (value) {
            lines.emplace_back(key, known(*value));
        }
    }
    add_end(lines, session);
    return aligned(lines);
}

std::string settings_text(const std::vector<EffectiveSetting>& settings, const Style& style) {
    Table table{
        .columns = {{"SETTING", 0, 0}, {"VALUE", 0, 0}, {"SET BY", 12, 0}, {"AT", 12, 0}}, .rows = {}, .paint = {}};
    for (const EffectiveSetting& setting : settings) {
        const bool set = !setting.file.empty() || !setting.tier.empty();
        table.rows.push_back({setting.name, setting.value,
                              set ? tier_and_rule(setting.tier, setting.rule) : "built-in default",
                              set ? place(setting.file, setting.line) : "-"});
    }
    return drawn(table, style);
}

std::string explain_text(const ExplainQuery& question, const Explanation& explanation, const Style& style) {
    std::string text = "A login of " + question_words(question) + "\n\n";
    text += settings_text(explanation.settings, style) + '\n';
    text += overridden_rules_text(explanation.rules);
    text += "Counts: " + std::string(explanation.counts ? "yes" : "no");
    text += (explanation.why.empty() ? "" : ", " + safe(explanation.why)) + '\n';
    return text + "   Now: " + known(explanation.outcome) + '\n';
}

std::string status_text(const Status& status, PolicyFiles files, const Enforcement& enforcement, Usec now) {
    std::string text = aligned({
        {"Version", status.version},
        {"Policy", policy_words(status, files)},
        {"Since", long_time(status.policy_since, now)},
        {"Sessions", std::to_string(status.sessions)},
        {"Recording", status.recording ? "yes"
                                       : "no (session start times are lost if sesslimitd restarts; " +
                                             std::string(recording_advice) + ")"},
        {"SELinux", selinux_words(enforcement)},
        {"Uncounted", uncounted_words(enforcement.uncounted, now)},
    });
    text += status.policy_problems.empty() ? "" : "\nErrors in the policy files when they were last loaded:\n";
    for (const std::string& problem : status.policy_problems) {
        text += "  " + safe(problem) + '\n';
    }
    const auto warnings = warnings_of(enforcement, now);
    text += warnings.empty() ? "" : "\nWarnings:\n";
    for (const std::string& warning : warnings) {
        text += "  " + warning + '\n';
    }
    return text;
}

std::optional<std::string> recording_warning(const Status& status) {
    return status.recording ? std::nullopt
                            : std::optional("sesslimitd does not record sessions. Session start times are lost if "
                                            "sesslimitd restarts; " +
                                            std::string(recording_advice) + ".");
}

std::string event_text(const Event& event, const Style& style) {
    const std::string time = log_time(event.at) + " ";
    std::string name = safe(event.name);
    name.resize(std::max<std::size_t>(name.size(), 12), ' ');
    const bool strong = event.name == "denied" || event.name == "ending" || event.name == "forced";
    const std::string painted = style.colour && strong ? "\033[31m" + name + "\033[0m" : name;
    return time + painted + " " + event_about(event, event.at) + '\n';
}

} // namespace sesslimit::ctl
