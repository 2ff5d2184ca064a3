// SPDX-License-Identifier: MIT
#include "ctl/policy_edit/edit.hpp"
#include "ctl/policy_edit/value.hpp"
#include "daemon/policy/read.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// Changes generated policy files. The expected contents are computed with JSON values, independently of the code under
// test. The generator knows which lines belong to which key, so that all other lines can be compared byte by byte.

using namespace sesslimit;
using namespace sesslimit::policy_edit;
using nlohmann::json;

namespace {

constexpr unsigned seed = 20'261'129;
constexpr int files = 2100;

/// Lines of a generated file that belong together. The table and the key are empty for comments, blank lines and
/// headers. `table` is "defaults" or the name of a rule.
struct Block {
    std::string table;
    std::string key;
    std::string text;
    std::vector<std::string> comments{}; ///< after the value, and between its lines
};

struct Value {
    std::string toml; ///< as in a file, possibly over several lines
    std::string argument;
    json value;
    std::vector<std::string> comments{};
};

class Generator {
  public:
    explicit Generator(std::mt19937& random) : random_(random) {}

    unsigned pick(unsigned count) { return static_cast<unsigned>(random_() % count); }
    bool chance(unsigned percent) { return pick(100) < percent; }

    template <class T>
    T one_of(std::initializer_list<T> all) {
        return all.begin()[pick(static_cast<unsigned>(all.size()))];
    }

    std::string key() {
        const auto keys = policy::setting_keys();
        return std::string(keys[pick(static_cast<unsigned>(keys.size()))]);
    }

    std::string words() {
        return one_of<std::string>({"8h", "observe", "a # b", "= x", "[x]", "größer", "it's", "say \"x\"",
                                    "back\\slash", "tab\there", "{user}, no", "", "key = \"value\"", "'", "unlimited",
                                    "]", "#"});
    }

    Value value() {
        if (chance(20)) {
            const auto number = static_cast<std::int64_t>(pick(1000)) - 100;
            return {std::to_string(number), std::to_string(number), number};
        }
        if (chance(15)) {
            const bool truth = chance(50);
            return {truth ? "true" : "false", truth ? "true" : "false", truth};
        }
        if (chance(40)) {
            return list();
        }
        const std::string text = words();
        return {string_in_file(text), quoted(text), text};
    }

    std::string comment() {
        return "# " + one_of<std::string>({"x", "key = 3", "[defaults]", "\"", "'''", "\"\"\" ]", "é"});
    }
    std::string blanks() { return one_of<std::string>({"", " ", "\t", "  "}); }
    std::string after_value() { return chance(30) ? one_of<std::string>({" ", "", "   "}) + comment() : blanks(); }

    std::string key_in_file(const std::string& key) {
        return chance(80) ? key : chance(50) ? '"' + key + '"' : '\'' + key + '\'';
    }

  private:
    static std::string quoted(const std::string& text) {
        std::string out = "\"";
        for (const char c : text) {
            out += c == '"' ? "\\\"" : c == '\\' ? "\\\\" : c == '\t' ? "\\t" : std::string(1, c);
        }
        return out + '"';
    }

    std::string string_in_file(const std::string& text) {
        if (text.find('\'') == text.npos && chance(30)) {
            return '\'' + text + '\'';
        }
        if (chance(20)) {
            return "\"\"\"\n" + quoted(text).substr(1, quoted(text).size() - 2) + "\\\n   \"\"\"";
        }
        return quoted(text);
    }

    Value list() {
        Value all{"[", "[", json::array()};
        const auto add_comment = [&] {
            all.comments.push_back(comment());
            all.toml += all.comments.back() + "\n";
        };
        for (unsigned count = pick(4); count > 0; --count) {
            const std::string text = words();
            all.value.push_back(text);
            all.argument += quoted(text) + (count > 1 ? "," : "");
            all.toml += chance(40) ? "\n" + blanks() : "";
            if (chance(10)) {
                add_comment();
            }
            all.toml += chance(70) ? quoted(text) : string_in_file(text);
            all.toml += count > 1 || chance(30) ? blanks() + "," : "";
            if (chance(10)) {
                add_comment();
            }
        }
        all.toml += (chance(30) ? "\n" : "") + std::string("]");
        all.argument += ']';
        return all;
    }

    std::mt19937& random_;
};

class File {
  public:
    File(std::mt19937& random, Generator& generator) : random_(random), make_(generator) {
        filler();
        add({}, {}, "version" + make_.blanks() + "=" + make_.blanks() + "1" + make_.after_value() + "\n");
        const bool dotted = make_.chance(10);
        if (dotted) {
            keys("defaults", "defaults.");
        }
        const unsigned rules = make_.pick(3);
        const unsigned at = make_.pick(rules + 2); // the table [defaults] may come after rules, or be missing
        for (unsigned rule = 0; rule <= rules; ++rule) {
            if (rule == at && !dotted) {
                filler();
                add({}, {}, make_.blanks() + "[defaults]" + make_.after_value() + "\n");
                keys("defaults", {});
            }
            if (rule < rules) {
                add_rule("rule " + std::to_string(rule));
            }
        }
        filler();
        if (make_.chance(20)) {
            crlf();
        }
        if (make_.chance(20) && blocks.back().text.ends_with('\n')) {
            std::string& last = blocks.back().text;
            last.erase(last.size() - (last.ends_with("\r\n") ? 2 : 1));
            if (last.empty()) {
                blocks.pop_back();
            }
        }
    }

    std::vector<Block> blocks;
    std::vector<std::string> tables; ///< "defaults" and the names of rules

    [[nodiscard]] std::string text() const {
        std::string all;
        for (const Block& block : blocks) {
            all += block.text;
        }
        return all;
    }

  private:
    void add(std::string table, std::string key, std::string text) {
        blocks.push_back({std::move(table), std::move(key), std::move(text)});
    }

    void filler() {
        for (unsigned count = make_.pick(3); count > 0; --count) {
            add({}, {}, (make_.chance(50) ? make_.blanks() + make_.comment() : make_.blanks()) + "\n");
        }
    }

    void key(const std::string& table, const std::string& name, const std::string& prefix) {
        add_value(table, name,
                  make_.blanks() + prefix + make_.key_in_file(name) + make_.blanks() + "=" + make_.blanks());
        filler();
    }

    /// Adds an entry that starts with `start` and has a random value.
    void add_value(const std::string& table, const std::string& name, const std::string& start) {
        Value value = make_.value();
        const std::string tail = make_.after_value();
        if (const std::size_t comment = tail.find('#'); comment != tail.npos) {
            value.comments.push_back(tail.substr(comment));
        }
        add(table, name, start + value.toml + tail + "\n");
        blocks.back().comments = std::move(value.comments);
    }

    void keys(const std::string& table, const std::string& prefix) {
        std::set<std::string> chosen;
        for (unsigned count = 1 + make_.pick(3); count > 0; --count) {
            chosen.insert(make_.key());
        }
        std::vector<std::string> order(chosen.begin(), chosen.end());
        std::ranges::shuffle(order, random_);
        for (const std::string& name : order) {
            key(table, name, prefix);
        }
        tables.push_back(table);
    }

    void add_rule(const std::string& name) {
        filler();
        add({}, {}, make_.blanks() + "[[rule]]" + make_.after_value() + "\n");
        filler();
        add({}, {}, make_.key_in_file("name") + " = \"" + name + "\"" + make_.after_value() + "\n");
        const bool table = make_.chance(30);
        if (!table) {
            key(name, "match.user", {});
            blocks[last_key()].text = matched(blocks[last_key()].text);
        }
        keys(name, {});
        if (table) {
            add({}, {}, make_.blanks() + "[rule.match]" + make_.after_value() + "\n");
            add_value(name, "match.user", make_.key_in_file("user") + "=");
        }
    }

    /// Replaces a quoted "match.user" by a dotted key, which has another meaning.
    static std::string matched(std::string text) {
        for (const std::string quoted : {"\"match.user\"", "'match.user'"}) {
            if (const std::size_t at = text.find(quoted); at != text.npos && at < 3) {
                text.replace(at, quoted.size(), "match.\"user\"");
            }
        }
        return text;
    }

    [[nodiscard]] std::size_t last_key() const {
        std::size_t at = blocks.size() - 1;
        while (blocks[at].key.empty()) {
            --at;
        }
        return at;
    }

    void crlf() {
        for (Block& block : blocks) {
            std::string text;
            for (const char c : block.text) {
                text += c == '\n' ? "\r\n" : std::string(1, c);
            }
            block.text = std::move(text);
        }
    }

    std::mt19937& random_;
    Generator& make_;
};

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
    std::string before;
    std::string after;
    for (auto at = file.blocks.begin(); at != file.blocks.end(); ++at) {
        (at < block ? before : after) += at == block ? "" : at->text;
    }
    ++counts.replaced;
    ++counts.removed;
    if (!is_kept(before, after, *changed)) {
        return "other lines changed by a replacement:\n" + *changed;
    }
    const std::string middle = changed->substr(before.size(), changed->size() - before.size() - after.size());
    for (const std::string& comment : block->comments) {
        if (middle.find(comment) == middle.npos) {
            return "lost comment " + comment;
        }
    }
    // A removed key that was replaced before leaves the comments between the lines of its first value. The table
    // [defaults] is removed with its last key.
    const auto bare = edited(text, unset);
    if (without.contains(table == "defaults" ? "defaults" : "rule") &&
        (!bare || *bare != before + after || !is_kept(before, after, *removed))) {
        return "other lines changed by a removal:\n" + (bare ? *bare : bare.error().what);
    }
    return {};
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
            problem.insert(0, "file " + std::to_string(number) + ", " + table + ", " + key + ": ");
            problem += "\n--- of\n" + text;
        }
    }
    EXPECT_TEXT(problem, "");
    print_message("%d replaced, %d inserted, %d removed\n", counts.replaced, counts.inserted, counts.removed);
    EXPECT(counts.replaced > files / 5 && counts.inserted > files / 5 && counts.removed > files / 5, "kinds");
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
