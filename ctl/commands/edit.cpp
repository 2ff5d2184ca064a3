// SPDX-License-Identifier: MIT
#include "ctl/commands/edit.hpp"

#include "ctl/policy_edit/tree.hpp"

#include <algorithm>

namespace sesslimit::ctl {
namespace {

using policy_edit::Key;
using policy_edit::WrittenRule;
using policy_edit::WrittenSetting;

/// The settings of one file, by the names of the rules. The name of [defaults] is empty.
class Tables {
  public:
    Tables(const std::string& file, const std::string& text) {
        const std::vector<policy::SourceText> texts{{file, policy::Tier::host, text}};
        tables_.push_back({.name = {}, .tier = {}, .file = {}, .line = 0, .match = {}, .settings = {}});
        tables_.front().settings = policy_edit::written_defaults(texts);
        for (WrittenRule& rule : policy_edit::written_rules(texts)) {
            tables_.push_back(std::move(rule));
        }
    }

    [[nodiscard]] const std::vector<WrittenRule>& all() const { return tables_; }

    [[nodiscard]] const WrittenRule* find(const std::string& name) const {
        const auto found = std::ranges::find(tables_, name, &WrittenRule::name);
        return found == tables_.end() ? nullptr : &*found;
    }

  private:
    std::vector<WrittenRule> tables_;
};

std::vector<WrittenSetting> settings_of(const WrittenRule* table) {
    std::vector<WrittenSetting> settings;
    if (table != nullptr) {
        settings = table->match;
        settings.insert(settings.end(), table->settings.begin(), table->settings.end());
    }
    return settings;
}

std::optional<policy::Node> value_in(const std::vector<WrittenSetting>& settings, const Key& key) {
    const auto found = std::ranges::find(settings, key, &WrittenSetting::key);
    return found == settings.end() ? std::nullopt : std::optional(found->value);
}

bool is_changed(const std::optional<policy::Node>& before, const std::optional<policy::Node>& after) {
    return before.has_value() != after.has_value() || (before && !policy_edit::same(*before, *after));
}

/// Returns the keys of two tables with different values.
std::vector<SettingChange> changes_of(const WrittenRule* old_table, const WrittenRule* new_table) {
    const auto before = settings_of(old_table);
    const auto after = settings_of(new_table);
    std::vector<SettingChange> changes;
    const auto add = [&](const Key& key) {
        const bool known = std::ranges::find(changes, key, &SettingChange::key) != changes.end();
        if (!known && is_changed(value_in(before, key), value_in(after, key))) {
            changes.push_back(
                {.key = key, .before = value_in(before, key), .after = value_in(after, key), .effect = {}});
        }
    };
    for (const auto* settings : {&after, &before}) {
        for (const WrittenSetting& setting : *settings) {
            add(setting.key);
        }
    }
    return changes;
}

/// One run of `edit`.
class EditRun {
  public:
    EditRun(const EditRequest& request, const SetTools& tools, Editor& editor, Console& console)
        : file_(request.directory, request.reload, tools), editor_(editor), console_(console) {}

    Step<> run() {
        auto drop_in = DropIn::lock(file_.directory(), {});
        if (!drop_in) {
            return stop(drop_in.error());
        }
        const std::string old_text = drop_in->text().value_or(new_drop_in);
        auto checked = edited(old_text);
        if (!checked) {
            return std::unexpected(std::move(checked.error()));
        }
        if (!checked->policy) {
            console_.print("The file was not changed.\n");
            return {};
        }
        SetReport outcome = empty_report({});
        file_.preview(checked->text, outcome, console_.now());
        if (!confirm(outcome, console_)) {
            return stop("nothing was changed");
        }
        auto installed = file_.install(*drop_in, checked->text, outcome);
        if (outcome.written) {
            report(Tables(file_.file(), drop_in->text().value_or("")), Tables(file_.file(), checked->text),
                   *checked->policy, outcome);
        }
        return installed;
    }

  private:
    struct Checked {
        std::string text;
        std::optional<policy::Policy> policy; ///< absent if the text was not changed
    };

    [[nodiscard]] SetReport empty_report(const std::string& rule) const {
        SetReport report;
        report.file = file_.file();
        report.rule = rule;
        return report;
    }

    /// Lets the user edit the text until the policy has no errors.
    Step<Checked> edited(const std::string& old_text) {
        std::string text = old_text;
        while (true) {
            auto result = editor_.edit(text);
            if (!result) {
                return stop(result.error());
            }
            text = *std::move(result);
            if (text == old_text) {
                return Checked{std::move(text), std::nullopt};
            }
            std::vector<policy::Problem> problems;
            auto policy = file_.load(file_.other_texts(), text, problems);
            for (const policy::Problem& problem : problems) {
                console_.complain(policy::format(problem));
            }
            if (policy) {
                return Checked{std::move(text), *std::move(policy)};
            }
            if (!console_.can_ask() || !console_.ask("Edit the file again? [y/N] ")) {
                return std::unexpected(std::move(policy.error()));
            }
        }
    }

    /// Prints and logs the changed settings of each table. `outcome` describes the whole file.
    void report(const Tables& before, const Tables& after, const policy::Policy& policy, const SetReport& outcome) {
        std::vector<SetReport> reports;
        for (const WrittenRule& table : after.all()) {
            SetReport one = empty_report(table.name);
            one.changes = changes_of(before.find(table.name), &table);
            for (SettingChange& change : one.changes) {
                change.effect = policy_edit::effect_of(policy, one.file, one.rule, policy_edit::written(change.key));
            }
            reports.push_back(std::move(one));
        }
        for (const WrittenRule& table : before.all()) {
            if (after.find(table.name) == nullptr) {
                reports.push_back(empty_report(table.name));
                reports.back().rule_removed = true;
            }
        }
        reports.push_back(outcome);
        bool logged = true;
        for (const SetReport& one : reports) {
            console_.print(set_text(one, console_.now()));
            logged = file_.log(one) && logged;
        }
        if (!logged) {
            console_.complain("failed to write the change to the journal");
        }
    }

    DropInChange file_;
    Editor& editor_;
    Console& console_;
};

} // namespace

Exit edit(const EditRequest& request, const SetTools& tools, Editor& editor, Console& console) {
    const auto done = EditRun(request, tools, editor, console).run();
    if (!done) {
        console.complain(done.error().what);
        return done.error().exit;
    }
    return Exit::ok;
}

} // namespace sesslimit::ctl
