// SPDX-License-Identifier: MIT
#include "ctl/policy_edit/edit.hpp"

#include "ctl/policy_edit/draft.hpp"
#include "ctl/policy_edit/tree.hpp"
#include "ctl/policy_edit/value.hpp"

#include <algorithm>
#include <ranges>

namespace sesslimit::policy_edit {
namespace {

using policy::Entry;
using policy::Node;
using Path = std::vector<std::string>;

constexpr std::string_view blanks = " \t";

bool is_blank(std::string_view line) {
    return line.find_first_not_of(blanks) == line.npos;
}

bool is_header(std::string_view line) {
    const std::size_t at = line.find_first_not_of(blanks);
    return at != line.npos && line[at] == '[';
}

std::string dotted(const Path& path) {
    std::string all;
    for (const std::string& part : path) {
        all += (all.empty() ? "" : ".") + part;
    }
    return all;
}

/// The place for the line of a new key.
struct Place {
    std::uint32_t after = 0; ///< line after which the key is inserted
    Path prefix;             ///< parts of the key before its own, such as "match"
    std::string indentation;
};

/// An edit of one table of a draft. Every step leaves the draft updated.
class Edit {
  public:
    Edit(Draft& draft, std::string rule) : draft_(draft), rule_(std::move(rule)) {}

    Edited<> set(const Assignment& assignment) {
        if (table() == nullptr) {
            add_table();
            if (auto done = draft_.update(); !done) {
                return done;
            }
        }
        const Node* node = table();
        const Entry* entry = node == nullptr ? nullptr : find_key(*node, assignment.key);
        if (entry == nullptr) {
            return add(assignment);
        }
        if (same(entry->value, assignment.value)) {
            return {};
        }
        const std::uint32_t line = entry->value.at.line;
        if (auto done = check_line(line, assignment.key); !done) {
            return done;
        }
        if (auto done = draft_.replace_value(line, toml_of(assignment.value)); !done) {
            return done;
        }
        return draft_.update();
    }

    Edited<> unset(const Key& key) {
        const Node* node = table();
        const Entry* entry = node == nullptr ? nullptr : find_key(*node, key);
        if (entry == nullptr) {
            return {};
        }
        const std::uint32_t line = entry->value.at.line;
        if (auto done = check_line(line, key); !done) {
            return done;
        }
        draft_.erase(line, draft_.end_of_entry(line));
        if (auto done = draft_.update(); !done) {
            return done;
        }
        return remove_if_empty();
    }

    Edited<> remove_rule() {
        const Node* node = table();
        if (node == nullptr) {
            return {};
        }
        const std::uint32_t header = node->at.line;
        if (!is_header(draft_.line(header))) {
            return std::unexpected(EditError{header, "the rule is an inline table; write it as [[rule]]"});
        }
        std::uint32_t last = header;
        for (const std::uint32_t line : entry_lines(*node)) {
            last = std::max(last, draft_.end_of_entry(line));
        }
        erase_with_blank_line(header, last);
        return draft_.update();
    }

    Edited<> ensure_version() {
        if (find_entry(draft_.contents(), "version") != nullptr) {
            return {};
        }
        std::uint32_t line = 1;
        while (line <= draft_.size() && (is_blank(draft_.line(line)) || draft_.line(line).starts_with('#'))) {
            ++line;
        }
        draft_.insert(line, {"version = 1"});
        return draft_.update();
    }

  private:
    [[nodiscard]] const Node* table() const { return find_table(draft_.contents(), rule_); }

    /// Returns the lines at which the entries of a table and of its `match` table start.
    static std::vector<std::uint32_t> entry_lines(const Node& node) {
        std::vector<std::uint32_t> lines;
        for (const Entry& entry : node.entries) {
            if (entry.value.kind != Node::Kind::table) {
                lines.push_back(entry.value.at.line);
            } else {
                const auto inner = entry_lines(entry.value);
                lines.insert(lines.end(), inner.begin(), inner.end());
            }
        }
        return lines;
    }

    /// Checks that an entry is on a line of its own, and not in an inline table.
    [[nodiscard]] Edited<> check_line(std::uint32_t line, const Key& key) const {
        const Path path = draft_.path_at(line);
        if (path.empty() || path.back() != key.name) {
            return std::unexpected(
                EditError{line, written(key) + " is in an inline table; write each key on a line of its own"});
        }
        return {};
    }

    void add_table() {
        const std::uint32_t size = draft_.size();
        std::vector<std::string> lines;
        if (size > 0) {
            lines.emplace_back("");
        }
        if (rule_.empty()) {
            lines.emplace_back("[defaults]");
        } else {
            Node name;
            name.kind = Node::Kind::text;
            name.text = rule_;
            lines.emplace_back("[[rule]]");
            lines.push_back("name = " + toml_of(name));
        }
        draft_.insert(size + 1, lines);
    }

    Edited<> add(const Assignment& assignment) {
        const auto place = place_for(assignment.key);
        if (!place) {
            return std::unexpected(place.error());
        }
        Path path = place->prefix;
        path.push_back(assignment.key.name);
        draft_.insert(place->after + 1, {place->indentation + dotted(path) + " = " + toml_of(assignment.value)});
        return draft_.update();
    }

    /// Updates `place` if the entry at this line is after it, and if a new key can follow the entry. `skip` is the
    /// number of parts at the end of the entry's key that the new key does not share.
    void consider(const Entry& entry, std::size_t skip, std::optional<Place>& place) const {
        const std::uint32_t line = entry.value.at.line;
        if (place && line <= place->after) {
            return;
        }
        Path path = draft_.path_at(line);
        if (path.size() < skip || path.empty() || path.back() != entry.key) {
            return;
        }
        path.resize(path.size() - skip);
        const std::string_view text = draft_.line(line);
        place = Place{draft_.end_of_entry(line), std::move(path),
                      std::string(text.substr(0, text.find_first_not_of(blanks)))};
    }

    /// Returns the place after the last entry of the table, or of its `match` table. The entries are in the order of
    /// their lines, so that the search from the end parses only a few lines.
    [[nodiscard]] Edited<Place> place_for(const Key& key) const {
        const Node& node = *table();
        const Entry* match = find_entry(node, "match");
        std::optional<Place> place;
        if (match != nullptr) {
            for (const Entry& entry : match->value.entries | std::views::reverse) {
                const Path path = draft_.path_at(entry.value.at.line);
                const bool in_table = path.size() >= 2 && path[path.size() - 2] == "match";
                if (key.of_match || in_table) {
                    consider(entry, key.of_match ? 1 : 2, place);
                }
            }
            if (key.of_match && !place) {
                return std::unexpected(
                    EditError{match->value.at.line, "match is an inline table; write match." + key.name +
                                                        " and its other keys on lines of their own"});
            }
        }
        if (match == nullptr || !key.of_match) {
            for (const Entry& entry : node.entries | std::views::reverse) {
                if (entry.value.kind != Node::Kind::table) {
                    consider(entry, 1, place);
                }
            }
        }
        const std::uint32_t header = node.at.line;
        if (!place && is_header(draft_.line(header))) {
            place = Place{header, {}, {}};
        }
        if (!place) {
            return std::unexpected(
                EditError{header, "the table is an inline table; write each key on a line of its own"});
        }
        if (key.of_match && match == nullptr) {
            place->prefix.emplace_back("match");
        }
        return *std::move(place);
    }

    /// Erases lines together with the blank line before them, if another blank line or the end of the text follows.
    void erase_with_blank_line(std::uint32_t first, std::uint32_t last) {
        const bool open_after = last == draft_.size() || is_blank(draft_.line(last + 1));
        const bool blank_before = first > 1 && is_blank(draft_.line(first - 1));
        draft_.erase(open_after && blank_before ? first - 1 : first, last);
    }

    /// Removes the table [defaults] if it has no keys, and if only blank lines follow its header.
    Edited<> remove_if_empty() {
        const Node* node = table();
        if (!rule_.empty() || node == nullptr || !node->entries.empty()) {
            return {};
        }
        const std::uint32_t header = node->at.line;
        const std::string_view line = draft_.line(header);
        const std::uint32_t next = draft_.next_start(header);
        for (std::uint32_t at = header + 1; at < next; ++at) {
            if (!is_blank(draft_.line(at))) {
                return {};
            }
        }
        if (line != "[defaults]") {
            return {};
        }
        erase_with_blank_line(header, header);
        return draft_.update();
    }

    Draft& draft_;
    std::string rule_;
};

Edited<> change_draft(Draft& draft, const Change& change) {
    Edit edit(draft, change.rule);
    if (change.remove_rule) {
        return edit.remove_rule();
    }
    if (!change.set.empty()) {
        if (auto done = edit.ensure_version(); !done) {
            return done;
        }
    }
    for (const Assignment& assignment : change.set) {
        if (auto done = edit.set(assignment); !done) {
            return done;
        }
    }
    for (const Key& key : change.unset) {
        if (auto done = edit.unset(key); !done) {
            return done;
        }
    }
    return {};
}

} // namespace

std::string written(const Key& key) {
    return (key.of_match ? "match." : "") + key.name;
}

std::expected<std::string, EditError> edited(std::string_view text, const Change& change) {
    if (change.set.size() + change.unset.size() > max_keys) {
        return std::unexpected(EditError{0, "more than " + std::to_string(max_keys) + " keys in one change"});
    }
    auto draft = Draft::parse(text);
    if (!draft) {
        return std::unexpected(std::move(draft.error()));
    }
    Node wanted = draft->contents();
    apply(wanted, change);
    if (auto done = change_draft(*draft, change); !done) {
        return std::unexpected(std::move(done.error()));
    }
    Node contents = draft->contents();
    drop_empty_tables(wanted);
    drop_empty_tables(contents);
    if (!same(wanted, contents)) {
        return std::unexpected(EditError{0, "the file cannot be changed line by line; change it with an editor"});
    }
    return draft->text();
}

} // namespace sesslimit::policy_edit
