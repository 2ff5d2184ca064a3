// SPDX-License-Identifier: MIT
#include "ctl/policy_edit/tree.hpp"

#include <algorithm>

namespace sesslimit::policy_edit {
namespace {

using policy::Entry;
using policy::Node;

Node text_node(std::string_view text) {
    Node node;
    node.kind = Node::Kind::text;
    node.text = text;
    return node;
}

/// Returns the value of a key in a table. Adds the key with `value` if the table does not have it.
Node& value_of(Node& table, std::string_view key, Node value) {
    const auto found = std::ranges::find(table.entries, key, &Entry::key);
    if (found != table.entries.end()) {
        return found->value;
    }
    table.entries.push_back({std::string(key), {}, std::move(value)});
    return table.entries.back().value;
}

bool is_rule_named(const Node& rule, std::string_view name) {
    const Entry* entry = find_entry(rule, "name");
    return entry != nullptr && entry->value.kind == Node::Kind::text && entry->value.text == name;
}

/// Returns the [[rule]] with this name. Adds the rule if the document does not have it.
Node& rule_of(Node& document, std::string_view name) {
    Node rules;
    rules.kind = Node::Kind::list;
    Node& all = value_of(document, "rule", std::move(rules));
    const auto found = std::ranges::find_if(all.items, [&](const Node& rule) { return is_rule_named(rule, name); });
    if (found != all.items.end()) {
        return *found;
    }
    Node rule;
    rule.entries.push_back({"name", {}, text_node(name)});
    all.items.push_back(std::move(rule));
    return all.items.back();
}

void unset(Node& table, const Key& key) {
    Node& owner = key.of_match ? value_of(table, "match", {}) : table;
    std::erase_if(owner.entries, [&](const Entry& entry) { return entry.key == key.name; });
    std::erase_if(table.entries,
                  [](const Entry& entry) { return entry.key == "match" && entry.value.entries.empty(); });
}

void remove_rule(Node& document, std::string_view name) {
    for (Entry& entry : document.entries) {
        if (entry.key == "rule") {
            std::erase_if(entry.value.items, [&](const Node& rule) { return is_rule_named(rule, name); });
        }
    }
}

} // namespace

bool same(const Node& one, const Node& other) {
    if (one.kind != other.kind || one.truth != other.truth || one.number != other.number || one.text != other.text ||
        one.entries.size() != other.entries.size()) {
        return false;
    }
    const bool same_entries = std::ranges::all_of(one.entries, [&](const Entry& entry) {
        const Entry* counterpart = find_entry(other, entry.key);
        return counterpart != nullptr && same(entry.value, counterpart->value);
    });
    return same_entries && std::ranges::equal(one.items, other.items, same);
}

const Entry* find_entry(const Node& table, std::string_view key) {
    const auto found = std::ranges::find(table.entries, key, &Entry::key);
    return found == table.entries.end() ? nullptr : &*found;
}

const Node* find_table(const Node& document, std::string_view rule) {
    const Entry* entry = find_entry(document, rule.empty() ? "defaults" : "rule");
    if (entry == nullptr || rule.empty()) {
        return entry == nullptr ? nullptr : &entry->value;
    }
    const auto& rules = entry->value.items;
    const auto found = std::ranges::find_if(rules, [&](const Node& item) { return is_rule_named(item, rule); });
    return found == rules.end() ? nullptr : &*found;
}

const Entry* find_key(const Node& table, const Key& key) {
    if (!key.of_match) {
        return find_entry(table, key.name);
    }
    const Entry* match = find_entry(table, "match");
    return match == nullptr ? nullptr : find_entry(match->value, key.name);
}

void apply(Node& document, const Change& change) {
    if (change.remove_rule) {
        return remove_rule(document, change.rule);
    }
    if (find_table(document, change.rule) == nullptr && change.set.empty()) {
        return;
    }
    if (!change.set.empty()) {
        Node version;
        version.kind = Node::Kind::integer;
        version.number = 1;
        (void)value_of(document, "version", std::move(version));
    }
    Node& table = change.rule.empty() ? value_of(document, "defaults", {}) : rule_of(document, change.rule);
    for (const Assignment& assignment : change.set) {
        Node& owner = assignment.key.of_match ? value_of(table, "match", {}) : table;
        value_of(owner, assignment.key.name, {}) = assignment.value;
    }
    for (const Key& key : change.unset) {
        unset(table, key);
    }
}

void drop_empty_tables(Node& table) {
    for (Entry& entry : table.entries) {
        std::ranges::for_each(entry.value.items, drop_empty_tables);
    }
    std::erase_if(table.entries, [](const Entry& entry) {
        const bool is_table = entry.key == "defaults" || entry.key == "match";
        return (is_table && entry.value.kind == Node::Kind::table && entry.value.entries.empty()) ||
               (entry.key == "rule" && entry.value.kind == Node::Kind::list && entry.value.items.empty());
    });
}

} // namespace sesslimit::policy_edit
