// SPDX-License-Identifier: MIT
#include "common/text.hpp"
#include "ctl/client/escaped_client.hpp"
#include "ctl/output/format.hpp"
#include "ctl/output/report.hpp"
#include "ctl/output/settings.hpp"
#include "ctl/policy_edit/value.hpp"

#include <algorithm>
#include <span>

namespace sesslimit::ctl {
namespace {

using policy_edit::Effect;
using policy_edit::SetValue;
using policy_edit::WrittenRule;
using policy_edit::WrittenSetting;

constexpr std::size_t max_path_length = 4096;
constexpr std::size_t max_listed_sessions = 20;

std::string table_words(const std::string& rule) {
    return rule.empty() ? "[defaults]" : "rule \"" + escape_for_display(rule) + '"';
}

std::string shown(const policy::Node& value) {
    return safe(policy_edit::toml_of(value));
}

/// Returns the words about the value that applies instead of a setting, without a full stop.
std::string applies_words(const SetValue& applies) {
    return (applies.value.empty() ? "\"\"" : applies.value) + " applies";
}

std::string effect_words(const SettingChange& change) {
    const Effect& effect = change.effect;
    const SetValue applies = effect.applies.value_or(SetValue{});
    const std::string at = location_text(applies.file, applies.line);
    if (!change.after) {
        if (!effect.applies) {
            return "";
        }
        return ": " + applies_words(applies) + (applies.tier ? ", set by " + at : ", the built-in default");
    }
    switch (effect.kind) {
    case Effect::Kind::same_value:
        return ": in effect, and " + at + " sets the same value";
    case Effect::Kind::later_file:
        return ": set, but " + at +
               " comes later: " + (applies.value.empty() ? "its value applies" : applies_words(applies));
    case Effect::Kind::stricter:
        return ": set, but " + at + " is stricter: " + applies_words(applies);
    case Effect::Kind::preferred:
        // Only the default of `mode` applies without a line that sets it. See policy::resolve().
        return applies.tier ? ": set, but " + at + " takes precedence: " + applies_words(applies)
                            : ": set, but a tier sets limits without a mode: " + applies_words(applies);
    case Effect::Kind::in_effect:
    case Effect::Kind::not_set:
        break;
    }
    return ": in effect";
}

std::string change_line(const SettingChange& change, const std::string& rule) {
    const std::string key = policy_edit::written(change.key);
    const std::string was = change.before ? " (was " + shown(*change.before) + ')' : "";
    if (!change.after) {
        return key +
               (change.before ? " removed from " + table_words(rule) + was : " is not set in " + table_words(rule)) +
               effect_words(change) + '\n';
    }
    const bool unchanged = change.before && shown(*change.before) == shown(*change.after);
    return key + " = " + shown(*change.after) + " in " + table_words(rule) +
           (unchanged       ? " (unchanged)"
            : change.before ? was
                            : "") +
           effect_words(change) + '\n';
}

/// Returns the line about another rule that sets a changed key. `of_rule` is true if the changed key is in a rule.
std::string rule_note(const SetValue& other, bool of_rule) {
    std::string text = "  " + table_words(other.rule) + " (" + location_text(other.file, other.line);
    text += of_rule ? ") is stricter: " : ") sets ";
    text += other.value;
    text += of_rule ? " applies to logins that match both\n" : " for the logins that it matches\n";
    return text;
}

std::string notes(const SettingChange& change, const std::string& rule) {
    std::string text;
    for (const SetValue& other : change.effect.rules) {
        text += rule_note(other, !rule.empty());
    }
    return text;
}

/// Returns a line if limits are not enforced because of the mode, or an empty text.
std::string mode_note(const std::vector<SettingChange>& changes) {
    const auto observed = std::ranges::find_if(
        changes, [](const SettingChange& change) { return change.after && change.effect.observed_by; });
    if (observed == changes.end()) {
        return {};
    }
    const policy::Location& at = *observed->effect.observed_by;
    return "Limits are not enforced, because " + location_text(at.file, at.line) + " sets mode = \"observe\".\n";
}

Usec end_of(const Session& session) {
    return std::min(session.duration_ends_at, session.idle_ends_at);
}

std::string sessions_text(const SetReport& report, Usec now) {
    const std::vector<Session>& sessions = report.ending_sooner;
    if (sessions.empty()) {
        return {};
    }
    std::string text = report.dry_run ? "Sessions that would end earlier with the new policy:\n"
                                      : "Sessions that end earlier with the new policy:\n";
    for (const Session& session : std::span(sessions).first(std::min(sessions.size(), max_listed_sessions))) {
        text += "  " + session_line(session, now) + ": " + end_text(session, now) + '\n';
    }
    const std::size_t more = sessions.size() - std::min(sessions.size(), max_listed_sessions);
    return text + (more == 0 ? "" : "  and " + std::to_string(more) + " more\n");
}

std::string ending(const SetReport& report) {
    if (report.dry_run) {
        const std::string& reason = report.sessions_unknown;
        return (reason.empty() ? "" : "The effect on open sessions is not known: " + reason + ".\n") +
               "Dry run: the file was not changed.\n";
    }
    switch (report.reload) {
    case SetReport::Reload::not_running:
        return "sesslimitd is not running, and will load the policy when it starts.\n";
    case SetReport::Reload::none:
    case SetReport::Reload::done:
    case SetReport::Reload::unknown:
    case SetReport::Reload::rejected:
        break;
    }
    return {};
}

} // namespace

std::string location_text(const std::string& file, std::uint32_t line) {
    return escape_for_display(file, max_path_length) + (line == 0 ? "" : ':' + std::to_string(line));
}

std::vector<Session> ending_sooner(const std::vector<Session>& before, std::vector<Session> after) {
    std::erase_if(after, [&](const Session& session) {
        const auto old = std::ranges::find(before, session.key, &Session::key);
        const bool was_enforced = old != before.end() && old->mode == "enforce";
        return session.mode != "enforce" || end_of(session) == infinity ||
               (was_enforced && end_of(session) >= end_of(*old));
    });
    std::ranges::sort(after, {}, end_of);
    return after;
}

std::vector<std::string> lockout_of(const std::vector<Session>& before, const PolicyPreview& preview,
                                    const std::string& own, Usec now) {
    // The idle end is left out, because the caller is active and thereby postpones it.
    const auto own_without_idle_end = [&own](std::vector<Session> sessions) {
        std::erase_if(sessions, [&own](const Session& session) { return session.id != own; });
        for (Session& session : sessions) {
            session.idle_ends_at = infinity;
        }
        return sessions;
    };
    std::vector<std::string> sentences;
    for (const Session& session : ending_sooner(own_without_idle_end(before), own_without_idle_end(preview.sessions))) {
        if (session.duration_ends_at <= now + lockout_span) {
            sentences.push_back("your session " + safe(own) + " would be terminated: " + end_text(session, now));
        }
    }
    if (!preview.denial.empty()) {
        sentences.push_back("another login like that of your session " + safe(own) + ' ' + safe(preview.denial));
    }
    return sentences;
}

std::string set_text(const SetReport& report, Usec now) {
    std::string text;
    if (report.rule_removed) {
        text += table_words(report.rule) + " removed from " + location_text(report.file, 0) + '\n';
    }
    for (const SettingChange& change : report.changes) {
        text += change_line(change, report.rule) + notes(change, report.rule);
    }
    text += mode_note(report.changes);
    text += sessions_text(report, now);
    return text + ending(report);
}

std::string defaults_text(const std::vector<std::pair<std::string, SetValue>>& defaults, const Style& style) {
    std::vector<EffectiveSetting> settings;
    settings.reserve(defaults.size());
    for (const auto& [name, value] : defaults) {
        const std::string tier = !value.tier ? "" : *value.tier == policy::Tier::managed ? "managed" : "host";
        settings.push_back({name, value.value, tier, value.rule, value.file, value.line});
    }
    return settings_text(settings, style);
}

std::string rules_text(const std::vector<WrittenRule>& rules) {
    std::string text;
    for (const WrittenRule& rule : rules) {
        text += table_words(rule.name) + " (" + (rule.tier == policy::Tier::managed ? "managed" : "host") + ", " +
                location_text(rule.file, rule.line) + ")\n";
        for (const auto* settings : {&rule.match, &rule.settings}) {
            for (const WrittenSetting& setting : *settings) {
                text += "  " + safe(policy_edit::written(setting.key)) + " = " + shown(setting.value) + '\n';
            }
        }
    }
    return text;
}

std::string get_text(const std::vector<WrittenSetting>& settings) {
    std::string text;
    for (const WrittenSetting& setting : settings) {
        text += safe(policy_edit::written(setting.key)) + '=' + shown(setting.value) + '\n';
    }
    return text;
}

std::vector<JournalFields> journal_entries(const SetReport& report, const std::string& requested_by,
                                           std::uint32_t uid) {
    std::vector<JournalFields> entries;
    const auto add = [&](std::string message, const JournalFields& more) {
        JournalFields entry{
            {"MESSAGE", escape_for_display(requested_by) + ' ' + std::move(message)},
            {"MESSAGE_ID", policy_set_id},
            {"PRIORITY", "5"},
            {"SESSLIMIT_EVENT", "policy-set"},
            {"SESSLIMIT_REQUESTED_BY", as_journal_field(requested_by)},
            {"SESSLIMIT_REQUESTED_BY_UID", std::to_string(uid)},
            {"SESSLIMIT_FILE", as_journal_field(report.file)},
        };
        if (!report.rule.empty()) {
            entry.emplace_back("SESSLIMIT_RULE_NAME", as_journal_field(report.rule));
        }
        entry.insert(entry.end(), more.begin(), more.end());
        entries.push_back(std::move(entry));
    };
    const std::string where = table_words(report.rule) + " of " + location_text(report.file, 0);
    if (report.rule_removed) {
        add("removed " + where + '.', {});
    }
    for (const SettingChange& change : report.changes) {
        const std::string key = policy_edit::written(change.key);
        const std::string before = change.before ? policy_edit::toml_of(*change.before) : "";
        const std::string after = change.after ? policy_edit::toml_of(*change.after) : "";
        if (before == after) {
            continue;
        }
        const std::string was = change.before ? ", was " + safe(before) : "";
        JournalFields more{{"SESSLIMIT_SETTING", key}};
        if (change.before) {
            more.emplace_back("SESSLIMIT_OLD_VALUE", as_journal_field(before));
        }
        if (change.after) {
            more.emplace_back("SESSLIMIT_NEW_VALUE", as_journal_field(after));
        }
        std::string message = change.after ? "set " : "removed ";
        message += key;
        message += change.after ? " = " + safe(after) + " in " : " from ";
        message += where;
        message += was;
        message += '.';
        add(std::move(message), more);
    }
    return entries;
}

} // namespace sesslimit::ctl
