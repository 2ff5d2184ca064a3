// SPDX-License-Identifier: MIT
#include "ctl/policy_edit/edit.hpp"
#include "ctl/policy_edit/value.hpp"
#include "daemon/policy/document.hpp"
#include "tests/ctl/generated_policy.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Changes generated policy files. The expected contents are computed with JSON values, independently of the code under
// test. All lines that a change does not concern are compared byte by byte.

using namespace sesslimit;
using namespace sesslimit::policy_edit;
using nlohmann::json;
using Block = test::GeneratedBlock;
using File = test::GeneratedPolicy;
using Generator = test::PolicyGenerator;
using Value = test::GeneratedValue;

namespace {

constexpr unsigned seed = 20'261'129;
constexpr int files = 2100;

json json_of(const policy::Node& node) {
    using Kind = policy::Node::Kind;
    switch (node.kind) {
    case Kind::boolean:
        return node.truth;
    case Kind::integer:
        return node.number;
    case Kind::text:
        return node.text;
    case Kind::list: {
        json list = json::array();
        for (const policy::Node& item : node.items) {
            list.push_back(json_of(item));
        }
        return list;
    }
    case Kind::table: {
        json table = json::object();
        for (const policy::Entry& entry : node.entries) {
            table[entry.key] = json_of(entry.value);
        }
        return table;
    }
    default:
        return nullptr;
    }
}

json without_empty_tables(json all) {
    if (all.contains("defaults") && all["defaults"].empty()) {
        all.erase("defaults");
    }
    if (all.contains("rule")) {
        for (json& rule : all["rule"]) {
            if (rule.contains("match") && rule["match"].empty()) {
                rule.erase("match");
            }
        }
    }
    return all;
}

/// Returns the contents of a text without empty tables. Returns null if the text is not valid TOML.
json contents(const std::string& text) {
    const auto document = policy::parse_document(text, policy::lines_of(text));
    if (!document) {
        return nullptr;
    }
    json all = json_of(*document);
    return without_empty_tables(std::move(all));
}

/// Returns the place of a key in the contents of a file.
json::json_pointer place(const json& all, const std::string& table, const std::string& key) {
    json::json_pointer at("/defaults");
    if (table != "defaults") {
        std::size_t index = 0;
        while (index < all["rule"].size() && all["rule"][index]["name"] != table) {
            ++index;
        }
        at = json::json_pointer("/rule") / index;
    }
    return key.starts_with("match.") ? at / "match" / key.substr(6) : at / key;
}

Key key_of(const std::string& text) {
    const bool of_match = text.starts_with("match.");
    return {text.substr(of_match ? 6 : 0), of_match};
}

Change change_of(const std::string& table) {
    return {.rule = table == "defaults" ? "" : table, .set = {}, .unset = {}};
}

bool is_kept(const std::string& before, const std::string& after, const std::string& text) {
    return text.size() >= before.size() + after.size() && text.starts_with(before) && text.ends_with(after);
}

/// Returns a text with a line end after its last line.
std::string completed(const std::string& text) {
    if (text.empty() || text.ends_with('\n')) {
        return text;
    }
    return text + (text.find("\r\n") == text.npos ? "\n" : "\r\n");
}

/// Returns the lines of a text that are not blank.
std::vector<std::string> filled_lines(const std::string& text) {
    std::vector<std::string> lines;
    for (const std::string_view line : policy::lines_of(text)) {
        if (line.find_first_not_of(" \t") != line.npos) {
            lines.emplace_back(line);
        }
    }
    return lines;
}

/// Returns true if `longer` consists of `text`, in which whole lines were inserted at one place.
bool has_inserted_lines(const std::string& text, const std::string& longer) {
    const auto common = static_cast<std::size_t>(std::ranges::mismatch(text, longer).in1 - text.begin());
    for (std::size_t line = common;; --line) {
        const bool starts_line = line == 0 || line == text.size() || text[line - 1] == '\n';
        if (starts_line && is_kept(text.substr(0, line), text.substr(line), longer)) {
            return true;
        }
        if (line == 0) {
            return false;
        }
    }
}

/// Counts of the checked changes, so that a generator that makes only one kind of change is noticed.
struct Counts {
    int replaced = 0;
    int inserted = 0;
    int removed = 0;
    int refused = 0;
};

/// Compares the other lines of a file after a key was replaced, and after it was removed again. `block` is that of the
/// key. Returns a problem, or an empty text.
std::string check_existing_key(const File& file, const Block& block, const std::string& changed,
                               const std::string& removed, bool table_remains) {
    std::string before;
    std::string after;
    for (const Block& other : file.blocks) {
        (&other < &block ? before : after) += &other == &block ? "" : other.text;
    }
    if (!is_kept(before, after, changed)) {
        return "other lines changed by a replacement:\n" + changed;
    }
    const std::string middle = changed.substr(before.size(), changed.size() - before.size() - after.size());
    for (const std::string& comment : block.comments) {
        if (middle.find(comment) == middle.npos) {
            return "lost comment " + comment;
        }
    }
    // A removed key that was replaced before leaves the comments between the lines of its first value.
    Change unset = change_of(block.table);
    unset.unset.push_back(key_of(block.key));
    const auto bare = edited(file.text(), unset);
    if (bare && *bare == before + after && is_kept(before, after, removed)) {
        return {};
    }
    // The table [defaults] is removed with its last key, together with one blank line.
    std::vector<std::string> kept = filled_lines(before + after);
    const auto header = std::ranges::find(kept, "[defaults]");
    if (table_remains || !bare || header == kept.end()) {
        return "other lines changed by a removal:\n" + (bare ? *bare : bare.error().what);
    }
    kept.erase(header);
    return filled_lines(*bare) == kept ? "" : "other lines changed by the removal of a table:\n" + *bare;
}

/// Sets one key, and removes it again. Returns a problem, or an empty text.
std::string check_key(const File& file, const std::string& table, const std::string& key, const Value& value,
                      Counts& counts) {
    const std::string text = file.text();
    Change set = change_of(table);
    set.set.push_back({key_of(key), parse_value(value.argument).value()});
    Change unset = change_of(table);
    unset.unset.push_back(key_of(key));

    const auto changed = edited(text, set);
    if (!changed) {
        return "refused: " + changed.error().what;
    }
    json wanted = contents(text);
    wanted[place(wanted, table, key)] = value.value;
    if (contents(*changed) != wanted) {
        return "other contents:\n" + *changed;
    }
    const auto block =
        std::ranges::find_if(file.blocks, [&](const Block& one) { return one.table == table && one.key == key; });
    const auto removed = edited(*changed, unset);
    if (!removed) {
        return "refused to unset: " + removed.error().what;
    }
    json without = wanted;
    without[place(wanted, table, key).parent_pointer()].erase(place(wanted, table, key).back());
    without = without_empty_tables(std::move(without));
    if (contents(*removed) != without) {
        return "other contents without the key:\n" + *removed;
    }
    if (block == file.blocks.end()) {
        ++counts.inserted;
        if (!has_inserted_lines(text, *changed) && !has_inserted_lines(completed(text), *changed)) {
            return "other lines changed by an insertion:\n" + *changed;
        }
        if (*removed != text && *removed != completed(text)) {
            return "not restored:\n" + *removed;
        }
        return {};
    }
    ++counts.replaced;
    ++counts.removed;
    const bool table_remains = without.contains(table == "defaults" ? "defaults" : "rule");
    return check_existing_key(file, *block, *changed, *removed, table_remains);
}

using TableAndKey = std::pair<std::string, std::string>;

TableAndKey existing_key(const File& file, Generator& make) {
    std::vector<TableAndKey> all{{"defaults", make.key()}};
    for (const Block& block : file.blocks) {
        if (!block.key.empty()) {
            all.emplace_back(block.table, block.key);
        }
    }
    return all[make.pick(static_cast<unsigned>(all.size()))];
}

TableAndKey new_key(const File& file, Generator& make) {
    std::vector<std::string> tables = file.tables;
    tables.emplace_back("defaults");
    return {tables[make.pick(static_cast<unsigned>(tables.size()))], make.key()};
}

SESSLIMIT_TEST(changes_of_generated_files_keep_all_other_lines) {
    print_message("seed %u, %d files\n", seed, files);
    std::mt19937 random(seed);
    Generator make(random);
    Counts counts;
    std::string problem;
    for (int number = 0; number < files && problem.empty(); ++number) {
        const File file(random, make);
        const std::string text = file.text();
        if (contents(text).is_null()) {
            problem = "the generator made an invalid file:\n" + text;
            break;
        }
        const auto [table, key] = make.chance(60) ? existing_key(file, make) : new_key(file, make);
        problem = check_key(file, table, key, make.value(), counts);
        if (!problem.empty()) {
            problem.insert(0, "file " + std::to_string(number) + ", " + table + ' ' + key + ": ");
            problem += "\n--- of\n" + text;
        }
    }
    EXPECT_TEXT(problem, "");
    print_message("%d replaced, %d inserted, %d removed\n", counts.replaced, counts.inserted, counts.removed);
    EXPECT(counts.replaced > files / 5 && counts.inserted > files / 5 && counts.removed > files / 5, "kinds");
}

/// Returns the blocks of a file from `first` to before `end` as text.
std::string text_of(const File& file, std::size_t first, std::size_t end) {
    std::string text;
    for (std::size_t at = first; at < std::min(end, file.blocks.size()); ++at) {
        text += file.blocks[at].text;
    }
    return text;
}

/// Removes a rule. Returns a problem, or an empty text.
std::string check_rule_removal(const File& file, const File::Rule& rule) {
    Change remove = change_of(rule.name);
    remove.remove_rule = true;
    const auto removed = edited(file.text(), remove);
    if (!removed) {
        return "refused: " + removed.error().what;
    }
    json wanted = contents(file.text());
    const json::json_pointer at = place(wanted, rule.name, "name").parent_pointer();
    wanted["rule"].erase(std::stoul(at.back()));
    if (wanted["rule"].empty()) {
        wanted.erase("rule");
    }
    const std::string before = text_of(file, 0, rule.first);
    const std::string after = text_of(file, rule.last + 1, file.blocks.size());
    // One blank line before the rule may be removed with it.
    const std::size_t line = before.empty() ? 0 : before.rfind('\n', before.size() - 2) + 1;
    const bool is_blank = before.find_first_not_of(" \t\r\n", line) == before.npos;
    const bool kept = *removed == before + after || (is_blank && *removed == before.substr(0, line) + after);
    return contents(*removed) == wanted && kept ? "" : "other lines changed by the removal of a rule:\n" + *removed;
}

/// Adds a rule, and removes it again. Returns a problem, or an empty text.
std::string check_new_rule(const std::string& text, const std::string& key, const Value& value) {
    Change add = change_of("new \"rule\"");
    add.set.push_back({{"user", true}, parse_value("alice").value()});
    add.set.push_back({key_of(key), parse_value(value.argument).value()});
    const auto added = edited(text, add);
    if (!added) {
        return "refused: " + added.error().what;
    }
    json wanted = contents(text);
    wanted["rule"].push_back({{"name", add.rule}, {"match", {{"user", "alice"}}}, {key, value.value}});
    if (contents(*added) != wanted || !added->starts_with(completed(text))) {
        return "other lines changed by a new rule:\n" + *added;
    }
    Change remove = change_of(add.rule);
    remove.remove_rule = true;
    const auto removed = edited(*added, remove);
    return removed && *removed == completed(text) ? "" : "not restored:\n" + removed.value_or("refused");
}

SESSLIMIT_TEST(added_and_removed_rules_keep_all_other_lines) {
    std::mt19937 random(seed + 2);
    Generator make(random);
    std::string problem;
    for (int number = 0; number < files / 3 && problem.empty(); ++number) {
        const File file(random, make);
        problem = check_new_rule(file.text(), make.key(), make.value());
        for (const File::Rule& rule : file.rules) {
            problem += problem.empty() ? check_rule_removal(file, rule) : "";
        }
        problem += problem.empty() ? "" : "\n--- of\n" + file.text();
    }
    EXPECT_TEXT(problem, "");
}

SESSLIMIT_TEST(several_changes_at_once_have_the_same_contents) {
    std::mt19937 random(seed + 1);
    Generator make(random);
    std::string problem;
    for (int number = 0; number < files / 5 && problem.empty(); ++number) {
        const File file(random, make);
        const std::string text = file.text();
        const std::string table = make.chance(50) || file.tables.empty() ? "defaults" : file.tables.front();
        json wanted = contents(text);
        Change change = change_of(table);
        std::set<std::string> used;
        for (unsigned count = 1 + make.pick(6); count > 0; --count) {
            const std::string key = make.key();
            if (!used.insert(key).second) {
                continue;
            }
            const Value value = make.value();
            const auto at = place(wanted, table, key);
            if (make.chance(70)) {
                change.set.push_back({key_of(key), parse_value(value.argument).value()});
                wanted[at] = value.value;
            } else {
                change.unset.push_back(key_of(key));
                if (wanted.contains(at)) {
                    wanted[at.parent_pointer()].erase(at.back());
                }
            }
        }
        const auto changed = edited(text, change);
        if (!changed || contents(*changed) != without_empty_tables(wanted)) {
            problem = (changed ? *changed : changed.error().what) + "\n--- of\n" + text;
        }
    }
    EXPECT_TEXT(problem, "");
}

} // namespace
