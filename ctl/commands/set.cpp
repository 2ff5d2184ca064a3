// SPDX-License-Identifier: MIT
#include "ctl/commands/set.hpp"

#include "common/text.hpp"
#include "ctl/commands/drop_in_change.hpp"
#include "ctl/commands/policy_keys.hpp"
#include "ctl/output/settings.hpp"
#include "ctl/policy_edit/tree.hpp"

#include <algorithm>

namespace sesslimit::ctl {
namespace {

using policy::SourceText;
using policy_edit::Change;
using policy_edit::Key;

std::vector<Key> keys_of(const Change& change) {
    std::vector<Key> keys = change.unset;
    for (const policy_edit::Assignment& assignment : change.set) {
        keys.push_back(assignment.key);
    }
    return keys;
}

Step<> check_change(const Change& change) {
    const std::vector<Key> keys = keys_of(change);
    for (auto key = keys.begin(); key != keys.end(); ++key) {
        if (std::find(key + 1, keys.end(), *key) != keys.end()) {
            return stop(policy_edit::written(*key) + " is given twice", Exit::usage);
        }
    }
    if (keys.size() > policy_edit::max_keys) {
        return stop("more than " + std::to_string(policy_edit::max_keys) + " keys", Exit::usage);
    }
    if (keys.empty() && !change.remove_rule) {
        return stop("no key is given", Exit::usage);
    }
    return {};
}

/// Returns the change that the arguments of `set` or `unset` request.
Step<Change> requested_change(const SetRequest& request, bool sets) {
    const bool of_rule = !request.rule.empty();
    Change change{.rule = request.rule, .set = {}, .unset = {}};
    if (!of_rule && !request.match.empty()) {
        return stop("--match needs --rule", Exit::usage);
    }
    for (const auto* words : {&request.match, &request.words}) {
        const bool of_match = words == &request.match;
        for (const std::string& word : *words) {
            if (sets) {
                auto assignment = parse_assignment(word, of_rule, of_match);
                if (!assignment) {
                    return stop(assignment.error());
                }
                change.set.push_back(*std::move(assignment));
                continue;
            }
            auto key = parse_key(word, of_rule, of_match);
            if (!key) {
                return stop(key.error());
            }
            change.unset.push_back(*std::move(key));
        }
    }
    change.remove_rule = !sets && of_rule && change.unset.empty();
    if (auto good = check_change(change); !good) {
        return std::unexpected(std::move(good.error()));
    }
    return change;
}

/// One run of `set` or `unset`.
class Run {
  public:
    Run(const SetRequest& request, const SetTools& tools, Console& console)
        : request_(request), console_(console), file_(request.directory, request.reload, tools) {
        report_.file = file_.file();
        report_.rule = request.rule;
        report_.dry_run = request.dry_run;
    }

    Exit run(bool sets) {
        const auto done = change(sets);
        if (!done) {
            report_.error = done.error().what;
        }
        print();
        return done ? Exit::ok : done.error().exit;
    }

  private:
    Step<> change(bool sets) {
        auto wanted = requested_change(request_, sets);
        if (!wanted) {
            return std::unexpected(std::move(wanted.error()));
        }
        change_ = *std::move(wanted);
        if (request_.dry_run) {
            auto text = DropIn::read(request_.directory);
            if (!text) {
                return stop(text.error());
            }
            auto prepared = prepare(*text);
            if (prepared && new_text_ != text->value_or("")) {
                file_.preview(new_text_, report_, console_.now());
                (void)confirm(report_, console_);
            }
            return prepared;
        }
        auto drop_in = DropIn::lock(request_.directory, {});
        if (!drop_in) {
            return stop(drop_in.error());
        }
        if (auto prepared = prepare(drop_in->text()); !prepared) {
            return prepared;
        }
        if (new_text_ == drop_in->text().value_or("")) {
            return {};
        }
        file_.preview(new_text_, report_, console_.now());
        if (!confirm(report_, console_)) {
            return stop("nothing was changed");
        }
        auto installed = file_.install(*drop_in, new_text_, report_);
        if (report_.written && !file_.log(report_)) {
            console_.complain("failed to write the change to the journal");
        }
        return installed;
    }

    /// Determines the new text, checks the policy with it, and describes the changes. `text` is that of the file.
    Step<> prepare(const std::optional<std::string>& text) {
        policy::ReadTexts others = file_.other_texts();
        if (auto good = check_rule(others.texts, text.value_or("")); !good) {
            return good;
        }
        const bool starts_file = !text && !change_.set.empty();
        auto changed = policy_edit::edited(starts_file ? new_drop_in : text.value_or(""), change_);
        if (!changed) {
            return stop(location_text(report_.file, changed.error().line) + ": " + changed.error().what);
        }
        new_text_ = *std::move(changed);
        const auto policy = file_.load(std::move(others), text || starts_file ? std::optional(new_text_) : std::nullopt,
                                       report_.problems);
        if (!policy) {
            return std::unexpected(policy.error());
        }
        describe(text, *policy);
        return {};
    }

    /// Checks that the rule to change is in the file, or in no file.
    [[nodiscard]] Step<> check_rule(const std::vector<SourceText>& others, const std::string& text) const {
        if (change_.rule.empty()) {
            return {};
        }
        const auto is_wanted = [this](const policy_edit::WrittenRule& rule) { return rule.name == change_.rule; };
        if (std::ranges::any_of(policy_edit::written_rules({{report_.file, policy::Tier::host, text}}), is_wanted)) {
            return {};
        }
        const std::string name = "rule \"" + escape_for_display(change_.rule) + '"';
        const auto rules = policy_edit::written_rules(others);
        if (const auto other = std::ranges::find_if(rules, is_wanted); other != rules.end()) {
            return stop(name + " is in another file; change it there: " + location_text(other->file, other->line));
        }
        const bool has_match = std::ranges::any_of(change_.set, [](const auto& one) { return one.key.of_match; });
        if (change_.set.empty()) {
            return stop(name + " is not in " + location_text(report_.file, 0));
        }
        return has_match
                   ? Step<>()
                   : stop(name + " does not exist; add --match KEY=VALUE to create it, such as --match group=staff");
    }

    /// Describes the changed keys. The policy contains the new text.
    void describe(const std::optional<std::string>& old_text, const policy::Policy& policy) {
        const auto old_document = document(old_text.value_or(""));
        const auto new_document = document(new_text_);
        report_.rule_removed = change_.remove_rule;
        for (const Key& key : keys_of(change_)) {
            report_.changes.push_back(
                {.key = key,
                 .before = value(old_document, key),
                 .after = value(new_document, key),
                 .effect = policy_edit::effect_of(policy, report_.file, change_.rule, policy_edit::written(key))});
        }
    }

    static policy::Node document(const std::string& text) {
        return policy::parse_document(text, policy::lines_of(text)).value_or(policy::Node{});
    }

    [[nodiscard]] std::optional<policy::Node> value(const policy::Node& document, const Key& key) const {
        const policy::Node* table = policy_edit::find_table(document, change_.rule);
        const policy::Entry* entry = table == nullptr ? nullptr : policy_edit::find_key(*table, key);
        return entry == nullptr ? std::nullopt : std::optional(entry->value);
    }

    void print() {
        if (console_.style().json != Json::off) {
            console_.print(json_of(report_, console_.style().json));
            return;
        }
        for (const policy::Problem& problem : report_.problems) {
            console_.complain(policy::format(problem));
        }
        if (!report_.error.empty()) {
            console_.complain(report_.error);
        }
        if (report_.error.empty() || report_.written) {
            console_.print(set_text(report_, console_.now()));
        }
    }

    const SetRequest& request_;
    Console& console_;
    DropInChange file_;
    Change change_;
    std::string new_text_;
    SetReport report_;
};

} // namespace

Exit set(const SetRequest& request, const SetTools& tools, Console& console) {
    return Run(request, tools, console).run(true);
}

Exit unset(const SetRequest& request, const SetTools& tools, Console& console) {
    return Run(request, tools, console).run(false);
}

} // namespace sesslimit::ctl
