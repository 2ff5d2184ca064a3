// SPDX-License-Identifier: MIT
#include "daemon/policy/load.hpp"

#include "daemon/policy/read.hpp"

#include <algorithm>
#include <array>
#include <tuple>

namespace sesslimit::policy {
namespace {

constexpr std::int64_t language_version = 1;
constexpr std::size_t max_rules = 1000;
constexpr std::size_t max_sources = 0xFFFE; // 0xFFFF is SourceId::nowhere

constexpr std::array<std::string_view, 3> top_keys = {"version", "defaults", "rule"};
constexpr std::array<std::string_view, 1> defaults_keys = {"ignore_services"};
constexpr std::array<std::string_view, 4> rule_keys = {"name", "match", "exempt", "max_sessions_total"};

/// Returns all keys that are valid in one kind of table, [defaults] or [[rule]]. These are the keys in `own`, which
/// only this kind of table may have, and the keys of settings, such as max_sessions.
std::vector<std::string_view> with_settings(std::span<const std::string_view> own) {
    std::vector<std::string_view> keys(own.begin(), own.end());
    keys.insert(keys.end(), setting_keys().begin(), setting_keys().end());
    return keys;
}

const Entry* find(const Node& table, std::string_view key) {
    const auto found = std::find_if(table.entries.begin(), table.entries.end(),
                                    [key](const Entry& entry) { return entry.key == key; });
    return found == table.entries.end() ? nullptr : &*found;
}

/// Adds the settings of a later [defaults] table to those of an earlier [defaults] table. If both tables contain a
/// setting, the value of the later table is kept.
void replace_all(Settings& old, const Settings& newer) {
    for_each_setting(
        [](std::string_view, auto& setting, const auto& replacement) {
            if (replacement) {
                setting = replacement;
            }
        },
        old, newer);
}

bool sets_something(const Rule& rule) {
    bool any = rule.max_sessions_total.has_value();
    for_each_setting([&any](std::string_view, const auto& setting) { any = any || setting.has_value(); },
                     rule.settings);
    return any;
}

/// The loader, which combines the texts of all policy files into one policy.
class Loader {
  public:
    explicit Loader(Names& names) : names_(names) {}

    void read(const SourceText& source) {
        const auto lines = lines_of(source.text);
        Report report(source.path, lines, problems_);
        const auto root = parse_document(source.text, lines);
        if (!root) {
            report.error(root.error().at, root.error().what);
        } else if (check_version(*root, report)) {
            read_top(*root, source.tier, report);
        }
    }

    Loaded done() && {
        std::stable_sort(problems_.begin(), problems_.end(), [](const Problem& a, const Problem& b) {
            return std::tie(a.path, a.line, a.column) < std::tie(b.path, b.line, b.column);
        });
        const bool good = std::ranges::none_of(problems_, is_error);
        return {good ? std::optional(std::move(policy_)) : std::nullopt, std::move(problems_), names_.missed()};
    }

  private:
    /// Checks the key `version` of a policy file. Returns false if the file is written in an unsupported version of the
    /// policy language, so that its other keys must not be read. A missing version is also reported as an error, but
    /// the other keys are read.
    static bool check_version(const Node& root, Report& report) {
        const Entry* version = find(root, "version");
        if (version == nullptr) {
            if (!root.entries.empty()) {
                report.error({}, "missing \"version\"; add version = 1 at the top of the file");
            }
            return true;
        }
        if (version->value.kind != Node::Kind::integer) {
            wrong_type(*version, "1", report);
            return true;
        }
        if (version->value.number != language_version) {
            report.error(version->value.at, "unsupported version " + std::to_string(version->value.number) +
                                                "; only version 1 is supported");
            return false;
        }
        return true;
    }

    TierPolicy& tier_policy(Tier tier) { return tier == Tier::managed ? policy_.managed : policy_.host; }

    void read_top(const Node& root, Tier tier, Report& report) {
        for (const Entry& entry : root.entries) {
            if (entry.key == "defaults") {
                read_defaults(entry, tier, report);
            } else if (entry.key == "rule") {
                read_rules(entry, tier, report);
            } else if (entry.key != "version") {
                unknown_key(entry, "the top-level table", top_keys, report);
            }
        }
    }

    SourceId add_source(Tier tier, const Node& table, Report& report) {
        if (policy_.sources.size() >= max_sources) {
            report.error(table.at, "more than 65534 tables in all policy files together");
            return SourceId::nowhere;
        }
        policy_.sources.push_back({tier, {}, report.path(), table.at.line});
        return static_cast<SourceId>(policy_.sources.size() - 1);
    }

    void read_defaults(const Entry& entry, Tier tier, Report& report) {
        if (entry.value.kind != Node::Kind::table) {
            wrong_type(entry, "a table, written as [defaults] on a line of its own", report);
            return;
        }
        const SourceId from = add_source(tier, entry.value, report);
        TierPolicy& into = tier_policy(tier);
        Settings settings;
        for (const Entry& inner : entry.value.entries) {
            if (inner.key == "ignore_services") {
                auto services = read_texts_of(inner, "PAM services such as [\"su\", \"cron\"]", report);
                into.ignore_services = {std::move(services), from, inner.key_at.line};
            } else if (!read_setting(inner, from, settings, report)) {
                unknown_key(inner, "[defaults]", with_settings(defaults_keys), report);
            }
        }
        check_settings(settings, find(entry.value, "warn_before"), report);
        if (settings.max_sessions && settings.max_sessions->value == 0) {
            report.warning(find(entry.value, "max_sessions")->value.at,
                           "max_sessions = 0 in [defaults] denies every login unless a rule allows it; "
                           "write \"unlimited\" for no limit");
        }
        replace_all(into.defaults, settings);
    }

    void read_rules(const Entry& entry, Tier tier, Report& report) {
        if (entry.value.kind == Node::Kind::table) {
            report.error(entry.key_at, "rules are an array of tables; write [[rule]] with two brackets");
            return;
        }
        if (entry.value.kind != Node::Kind::list) {
            wrong_type(entry, "a table, written as [[rule]] on a line of its own", report);
            return;
        }
        for (const Node& rule : entry.value.items) {
            if (rule.kind != Node::Kind::table) {
                wrong_type({entry.key, entry.key_at, rule}, "a table, written as [[rule]] on a line of its own",
                           report);
            } else if (rules_++ < max_rules) {
                read_rule(rule, tier, report);
            } else if (rules_ == max_rules + 1) {
                report.error(rule.at, "more than 1000 rules in all policy files together");
            }
        }
    }

    void read_rule(const Node& table, Tier tier, Report& report) {
        Rule rule;
        rule.source = add_source(tier, table, report);
        for (const Entry& entry : table.entries) {
            if (entry.key == "name" || entry.key == "match") {
                continue;
            }
            if (entry.key == "exempt") {
                rule.exempt = read_truth(entry, report).value_or(false);
            } else if (entry.key == "max_sessions_total") {
                rule.max_sessions_total = read_total(entry, rule.source, report);
            } else if (!read_setting(entry, rule.source, rule.settings, report)) {
                unknown_key(entry, "[[rule]]", with_settings(rule_keys), report);
            }
        }
        check_settings(rule.settings, find(table, "warn_before"), report);
        read_name(table, tier, report);
        read_rule_match(table, rule, report);
        check_use(table, rule, report);
        tier_policy(tier).rules.push_back(std::move(rule));
    }

    /// Reads the name of a rule, and stores it in the last element of Policy::sources, which describes this rule.
    void read_name(const Node& table, Tier tier, Report& report) {
        const Entry* name = find(table, "name");
        if (name == nullptr) {
            report.error(table.at, "rule has no name; add name = \"...\"");
            return;
        }
        if (name->value.kind != Node::Kind::text) {
            wrong_type(*name, "a string", report);
            return;
        }
        if (!check_text(name->value, report)) {
            return;
        }
        const auto same = std::find_if(policy_.sources.begin(), policy_.sources.end(), [&](const Source& source) {
            return source.tier == tier && source.rule == name->value.text;
        });
        if (same != policy_.sources.end()) {
            report.error(name->value.at, "duplicate rule name " + in_quotes(name->value.text) + ", already used in " +
                                             in_quotes(same->file) + " line " + std::to_string(same->line) +
                                             "; choose another name");
            return;
        }
        policy_.sources.back().rule = name->value.text;
    }

    void read_rule_match(const Node& table, Rule& rule, Report& report) {
        const Entry* match = find(table, "match");
        if (match != nullptr && match->value.kind != Node::Kind::table) {
            wrong_type(*match, "keys such as match.user = \"alice\"", report);
            return;
        }
        if (match == nullptr || match->value.entries.empty()) {
            report.error(match == nullptr ? table.at : match->key_at,
                         "rule has no keys under match; "
                         "move settings for all users to [defaults], "
                         "or add match.uid = \"0-\" for a rule that matches every user");
            return;
        }
        rule.match = std::make_shared<const Match>(read_match(match->value, names_, report));
    }

    static void check_use(const Node& table, const Rule& rule, Report& report) {
        if (rule.exempt && sets_something(rule)) {
            report.warning(find(table, "exempt")->key_at, "settings have no effect in a rule with exempt = true");
        }
        // An unknown key in a rule counts as a setting. A rule whose only setting is misspelled therefore causes only
        // the error about the unknown key, and not also the warning "rule has no settings".
        const bool tries = std::any_of(table.entries.begin(), table.entries.end(), [](const Entry& entry) {
            const bool is_false = entry.value.kind == Node::Kind::boolean && !entry.value.truth;
            return entry.key != "name" && entry.key != "match" && !(entry.key == "exempt" && is_false);
        });
        if (!tries) {
            report.warning(table.at, "rule has no settings");
        }
    }

    NameCache names_;
    Policy policy_;
    std::vector<Problem> problems_;
    std::size_t rules_ = 0;
};

} // namespace

std::span<const std::string_view> own_keys_of_defaults() {
    return defaults_keys;
}

std::span<const std::string_view> own_keys_of_rules() {
    return rule_keys;
}

std::optional<uid_t> NameCache::user(const std::string& name) {
    const auto [at, is_new] = users_.try_emplace(name);
    if (is_new) {
        at->second = names_.user(name);
    }
    missed_ = missed_ || !at->second;
    return at->second;
}

std::optional<gid_t> NameCache::group(const std::string& name) {
    const auto [at, is_new] = groups_.try_emplace(name);
    if (is_new) {
        at->second = names_.group(name);
    }
    missed_ = missed_ || !at->second;
    return at->second;
}

Loaded load(const std::vector<SourceText>& texts, Names& names) {
    Loader loader(names);
    for (const SourceText& text : texts) {
        loader.read(text);
    }
    return std::move(loader).done();
}

Loaded load_files(const ReadTexts& read, Names& names) {
    Loaded loaded = load(read.texts, names);
    if (std::ranges::any_of(read.problems, is_error)) {
        loaded.policy.reset();
    }
    loaded.problems.insert(loaded.problems.begin(), read.problems.begin(), read.problems.end());
    return loaded;
}

} // namespace sesslimit::policy
