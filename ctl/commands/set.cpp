// SPDX-License-Identifier: MIT
#include "ctl/commands/set.hpp"

#include "common/text.hpp"
#include "ctl/client/drop_in.hpp"
#include "ctl/commands/policy_keys.hpp"
#include "ctl/output/settings.hpp"
#include "ctl/policy_edit/tree.hpp"

#include <algorithm>
#include <cerrno>

namespace sesslimit::ctl {
namespace {

using policy::Problem;
using policy::SourceText;
using policy_edit::Change;
using policy_edit::Key;

constexpr std::size_t max_path_length = 4096;

/// First lines of a new file.
constexpr char new_file[] = "# Settings that \"sesslimitctl set\" has made. See sesslimitctl(1).\nversion = 1\n";

/// A failure of the command, with the exit status.
struct Stop {
    Exit exit = Exit::failed;
    std::string what; ///< escaped for display
};

template <class T = void>
using Step = std::expected<T, Stop>;

std::unexpected<Stop> stop(std::string what, Exit exit = Exit::failed) {
    return std::unexpected(Stop{exit, std::move(what)});
}

std::unexpected<Stop> stop(const Error& error) {
    const bool denied = error.code == EACCES || error.code == EPERM;
    return stop(error.what, denied ? Exit::not_allowed : Exit::failed);
}

bool is_error(const Problem& problem) {
    return problem.severity == Problem::Severity::error;
}

std::string at(const std::string& file, std::uint32_t line) {
    return escape_for_display(file, max_path_length) + ':' + std::to_string(line);
}

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

/// Inserts the text of the drop-in at its place in the order of the files.
void insert_text(std::vector<SourceText>& texts, SourceText drop_in) {
    const std::filesystem::path directory = std::filesystem::path(drop_in.path).parent_path();
    const auto next = std::ranges::find_if(texts, [&](const SourceText& text) {
        return text.tier == policy::Tier::host && std::filesystem::path(text.path).parent_path() == directory &&
               text.path > drop_in.path;
    });
    texts.insert(next, std::move(drop_in));
}

/// One run of `set` or `unset`.
class Run {
  public:
    Run(const SetRequest& request, const SetTools& tools, Console& console)
        : request_(request), tools_(tools), console_(console) {
        report_.file = DropIn::path_in(request.directory);
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
            return prepare(*text);
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
        return install(*drop_in);
    }

    /// Determines the new text, checks the policy with it, and describes the changes. `text` is that of the file.
    Step<> prepare(const std::optional<std::string>& text) {
        policy::ReadTexts read = policy::read_texts(request_.directory);
        std::erase_if(read.texts, [this](const SourceText& source) { return source.path == report_.file; });
        if (auto good = check_rule(read.texts, text.value_or("")); !good) {
            return good;
        }
        const bool starts_file = !text && !change_.set.empty();
        auto changed = policy_edit::edited(starts_file ? new_file : text.value_or(""), change_);
        if (!changed) {
            const std::uint32_t line = changed.error().line;
            return stop((line == 0 ? escape_for_display(report_.file, max_path_length) : at(report_.file, line)) +
                        ": " + changed.error().what);
        }
        new_text_ = *std::move(changed);
        if (text || starts_file) {
            insert_text(read.texts, {report_.file, policy::Tier::host, new_text_});
        }
        const policy::Loaded loaded = load(std::move(read));
        if (!loaded.policy || std::ranges::any_of(report_.problems, is_error)) {
            return stop("nothing was changed, because the policy would have errors");
        }
        describe(text, *loaded.policy);
        return {};
    }

    /// Loads the policy. Stores all problems if one of them is an error, and the warnings about the changed file
    /// otherwise.
    policy::Loaded load(policy::ReadTexts read) {
        policy::Loaded loaded = policy::load(read.texts, tools_.names);
        report_.problems = std::move(read.problems);
        report_.problems.insert(report_.problems.end(), loaded.problems.begin(), loaded.problems.end());
        if (std::ranges::none_of(report_.problems, is_error)) {
            std::erase_if(report_.problems, [this](const Problem& problem) { return problem.path != report_.file; });
        }
        return loaded;
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
            return stop(name + " is in another file; change it there: " + at(other->file, other->line));
        }
        const bool has_match = std::ranges::any_of(change_.set, [](const auto& one) { return one.key.of_match; });
        if (change_.set.empty()) {
            return stop(name + " is not in " + escape_for_display(report_.file, max_path_length));
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

    Step<> install(DropIn& drop_in) {
        const auto sessions = request_.reload ? tools_.remote.list() : Answer<std::vector<Session>>();
        if (auto done = drop_in.replace(new_text_); !done) {
            const auto restored = drop_in.restore();
            done.error().what += restored ? "" : "\nThe old file could not be restored: " + restored.error().what;
            return stop(done.error());
        }
        report_.written = true;
        Step<> loaded = request_.reload ? reload(drop_in) : Step<>();
        if (report_.written && request_.reload) {
            log();
        }
        if (report_.reload == SetReport::Reload::done && sessions) {
            report_.ending_sooner = ending_sooner(*sessions, tools_.remote.list().value_or(std::vector<Session>()));
        }
        return loaded;
    }

    /// Makes the daemon load the new file. Restores the old file if the daemon has not loaded the new one for certain.
    Step<> reload(DropIn& drop_in) {
        const auto done = tools_.remote.reload();
        if (done) {
            report_.reload = SetReport::Reload::done;
            return {};
        }
        const Failure& failure = done.error();
        switch (failure.kind) {
        case Failure::Kind::not_running:
            report_.reload = SetReport::Reload::not_running;
            return {};
        case Failure::Kind::policy_rejected:
        case Failure::Kind::not_allowed:
        case Failure::Kind::bus_denied:
            return restore(drop_in, failure);
        case Failure::Kind::no_answer:
        case Failure::Kind::unresponsive:
        case Failure::Kind::no_such_session:
        case Failure::Kind::no_such_user:
        case Failure::Kind::other:
            break;
        }
        report_.reload = SetReport::Reload::unknown;
        return stop("the file was changed, but it is not known whether the daemon has loaded it: " + words_of(failure),
                    exit_of(failure.kind));
    }

    Step<> restore(DropIn& drop_in, const Failure& failure) {
        report_.reload = SetReport::Reload::rejected;
        if (const auto restored = drop_in.restore(); !restored) {
            return stop(words_of(failure) + "\nThe old file could not be restored: " + restored.error().what);
        }
        report_.written = false;
        return stop("the old file was restored, because the daemon did not load the new one: " + words_of(failure),
                    exit_of(failure.kind));
    }

    void log() {
        const Caller caller = tools_.host.caller();
        for (const JournalFields& entry : journal_entries(report_, caller.name, caller.uid)) {
            if (!tools_.host.log(entry)) {
                console_.complain("failed to write the change to the journal");
                return;
            }
        }
    }

    void print() {
        if (console_.style().json != Json::off) {
            console_.print(json_of(report_, console_.style().json));
            return;
        }
        for (const Problem& problem : report_.problems) {
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
    const SetTools& tools_;
    Console& console_;
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
