// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/policy/read.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// Generates policy files. The generator knows which lines belong to which key, so that all other lines can be compared
/// byte by byte.
namespace sesslimit::test {

/// Lines of a generated file that belong together. The table and the key are empty for comments, blank lines and
/// headers. `table` is "defaults" or the name of a rule.
struct GeneratedBlock {
    std::string table;
    std::string key;
    std::string text;
    std::vector<std::string> comments{}; ///< after the value, and between its lines
};

/// A value of a key.
struct GeneratedValue {
    std::string toml; ///< as in a file, possibly over several lines
    std::string argument;
    nlohmann::json value;
    std::vector<std::string> comments{};
};

/// Makes random keys, values and comments of policy files.
class PolicyGenerator {
  public:
    explicit PolicyGenerator(std::mt19937& random) : random_(random) {}

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

    GeneratedValue value() {
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

    GeneratedValue list() {
        GeneratedValue all{"[", "[", nlohmann::json::array()};
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

/// A random policy file.
class GeneratedPolicy {
  public:
    GeneratedPolicy(std::mt19937& random, PolicyGenerator& generator) : random_(random), make_(generator) {
        filler();
        add({}, {}, "version" + make_.blanks() + "=" + make_.blanks() + "1" + make_.after_value() + "\n");
        const bool dotted = make_.chance(10);
        if (dotted) {
            keys("defaults", "defaults.");
        }
        const unsigned count = make_.pick(3);
        const unsigned at = make_.pick(count + 2); // the table [defaults] may come after rules, or be missing
        for (unsigned rule = 0; rule <= count; ++rule) {
            if (rule == at && !dotted) {
                filler();
                add({}, {}, make_.blanks() + "[defaults]" + make_.after_value() + "\n");
                keys("defaults", {});
            }
            if (rule < count) {
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

    std::vector<GeneratedBlock> blocks;
    std::vector<std::string> tables; ///< "defaults" and the names of rules

    /// The blocks of a rule, from its header to its last key.
    struct Rule {
        std::string name;
        std::size_t first = 0;
        std::size_t last = 0;
    };
    std::vector<Rule> rules;

    [[nodiscard]] std::string text() const {
        std::string all;
        for (const GeneratedBlock& block : blocks) {
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
        GeneratedValue value = make_.value();
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
        const std::size_t first = blocks.size();
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
        rules.push_back({name, first, last_key()});
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
        for (GeneratedBlock& block : blocks) {
            std::string text;
            for (const char c : block.text) {
                text += c == '\n' ? "\r\n" : std::string(1, c);
            }
            block.text = std::move(text);
        }
    }

    std::mt19937& random_;
    PolicyGenerator& make_;
};

} // namespace sesslimit::test
