// SPDX-License-Identifier: MIT
#include "ctl/commands/settings.hpp"

#include "common/text.hpp"
#include "ctl/client/drop_in.hpp"
#include "ctl/commands/policy_keys.hpp"
#include "ctl/output/settings.hpp"
#include "daemon/policy/read.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <set>
#include <utility>

namespace sesslimit::ctl {
namespace {

using policy_edit::WrittenRule;
using policy_edit::WrittenSetting;

/// The policy of a directory, with the texts of its files.
struct Files {
    std::vector<policy::SourceText> texts;
    policy::Policy policy;
};

/// Loads the policy of a directory. Prints its errors and returns nullopt if it has any.
std::optional<Files> load_files(const std::string& directory, policy::Names& names, Console& console) {
    policy::ReadTexts read = policy::read_texts(directory);
    policy::Loaded loaded = policy::load_files(read, names);
    if (!loaded.policy) {
        std::erase_if(loaded.problems, std::not_fn(policy::is_error));
        for (const policy::Problem& problem : loaded.problems) {
            console.complain(policy::format(problem));
        }
        return std::nullopt;
    }
    return Files{std::move(read.texts), *std::move(loaded.policy)};
}

template <class Values, class Text>
void print(const Values& values, const Text& text, Console& console) {
    const Style& style = console.style();
    console.page(style.json == Json::off ? text(values) : json_of(values, style.json));
}

/// Returns the settings of the table that `get` shows, or nullopt if the host tier does not contain the rule.
std::optional<std::vector<WrittenSetting>> table_of(const Files& files, const std::string& rule) {
    if (rule.empty()) {
        return policy_edit::written_defaults(files.texts);
    }
    for (const WrittenRule& one : policy_edit::written_rules(files.texts)) {
        if (one.name == rule && one.tier == policy::Tier::host) {
            std::vector<WrittenSetting> settings = one.match;
            settings.insert(settings.end(), one.settings.begin(), one.settings.end());
            return settings;
        }
    }
    return std::nullopt;
}

/// Values of keys under `match` that do not depend on the host.
constexpr std::array<std::string_view, 10> match_values = {
    "method=publickey", "method=password",     "method=keyboard-interactive", "method=hostbased", "method=none",
    "origin=local",     "method=gssapi-keyex", "method=gssapi-with-mic",      "origin=unix",      "seat=seat0"};

/// Returns the names of the rules of the host tier, or only of those that set and unset can change.
std::set<std::string> rule_names(const std::string& directory, bool changeable) {
    const std::string drop_in = DropIn::path_in(directory);
    std::set<std::string> names;
    for (const WrittenRule& rule : policy_edit::written_rules(policy::read_texts(directory).texts)) {
        if (rule.tier == policy::Tier::host && (!changeable || rule.file == drop_in)) {
            names.insert(escape_for_display(rule.name));
        }
    }
    return names;
}

/// Returns "KEY=VALUE" for each known value of the keys.
std::set<std::string> assignments_of(const std::set<std::string>& keys) {
    std::set<std::string> words;
    for (const std::string& key : keys) {
        for (std::string value : policy::example_values(key)) {
            value.insert(0, key + '=');
            words.insert(std::move(value));
        }
    }
    return words;
}

} // namespace

Exit get(const SettingsRequest& request, policy::Names& names, Console& console) {
    const bool of_rule = !request.rule.empty();
    std::vector<policy_edit::Key> keys;
    for (const std::string& word : request.keys) {
        const bool of_match = of_rule && word.starts_with("match.");
        const auto key = parse_key(std::string_view(word).substr(of_match ? 6 : 0), of_rule, of_match);
        if (!key) {
            console.complain(key.error().what);
            return Exit::failed;
        }
        keys.push_back(*key);
    }
    const auto files = load_files(request.directory, names, console);
    if (!files) {
        return Exit::failed;
    }
    auto settings = table_of(*files, request.rule);
    if (!settings) {
        console.complain("rule \"" + escape_for_display(request.rule) + "\" does not exist in the host tier");
        return Exit::failed;
    }
    Exit exit = Exit::ok;
    for (const policy_edit::Key& key : keys) {
        if (std::ranges::find(*settings, key, &WrittenSetting::key) == settings->end()) {
            console.complain(policy_edit::written(key) + " is not set");
            exit = Exit::failed;
        }
    }
    std::erase_if(*settings, [&](const WrittenSetting& setting) {
        return !keys.empty() && std::ranges::find(keys, setting.key) == keys.end();
    });
    print(*settings, get_text, console);
    return exit;
}

Exit rules(const SettingsRequest& request, policy::Names& names, Console& console) {
    const auto files = load_files(request.directory, names, console);
    if (!files) {
        return Exit::failed;
    }
    print(policy_edit::written_rules(files->texts), rules_text, console);
    return Exit::ok;
}

Exit defaults(const SettingsRequest& request, policy::Names& names, Console& console) {
    const auto files = load_files(request.directory, names, console);
    if (!files) {
        return Exit::failed;
    }
    const auto text = [&console](const auto& values) { return defaults_text(values, console.style()); };
    print(policy_edit::effective_defaults(files->policy), text, console);
    return Exit::ok;
}

bool complete_settings(const std::string& kind, const std::string& directory, Console& console) {
    std::set<std::string> words;
    if (kind == "settings" || kind == "settings-values") {
        for (const bool of_rule : {true, false}) {
            const auto keys = settable_keys(of_rule);
            words.insert(keys.begin(), keys.end());
        }
    } else if (kind == "matches") {
        words.insert(policy::match_keys().begin(), policy::match_keys().end());
    } else if (kind == "matches-values") {
        words = {match_values.begin(), match_values.end()};
    } else if (kind == "rules" || kind == "host-rules") {
        words = rule_names(directory, kind == "rules");
    } else {
        return false;
    }
    if (kind == "settings-values") {
        words = assignments_of(words);
    }
    std::string lines;
    for (const std::string& word : words) {
        lines += word + '\n';
    }
    console.print(lines);
    return true;
}

} // namespace sesslimit::ctl
