// SPDX-License-Identifier: MIT
// Changes of the text of a policy file, as `sesslimitctl set` makes them. The first line is the name of a rule, or
// empty for [defaults]. The lines up to the first form feed are settings KEY=VALUE, or keys to remove. The file
// follows.
#include "ctl/commands/policy_keys.hpp"
#include "ctl/policy_edit/tree.hpp"
#include "ctl/policy_edit/value.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace sesslimit::fuzz {
namespace {

using namespace policy_edit;

constexpr std::size_t max_changes = 8;

Change change_of(std::string_view text) {
    Input lines({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    Change change{.rule = std::string(lines.part('\n')), .set = {}, .unset = {}};
    while (!lines.empty() && change.set.size() + change.unset.size() < max_changes) {
        const std::string_view line = lines.part('\n');
        const bool of_match = line.starts_with("match.");
        const std::string_view word = line.substr(of_match ? 6 : 0);
        if (auto assignment = ctl::parse_assignment(word, !change.rule.empty(), of_match)) {
            change.set.push_back(*std::move(assignment));
        } else if (auto key = ctl::parse_key(word, !change.rule.empty(), of_match)) {
            change.unset.push_back(*std::move(key));
        }
    }
    change.remove_rule = !change.rule.empty() && change.set.empty() && change.unset.empty();
    return change;
}

policy::Node contents_of(std::string_view text) {
    auto document = policy::parse_document(text, policy::lines_of(text));
    must(document.has_value(), "the text is valid TOML");
    return *std::move(document);
}

/// Returns the value that the change gives to a key. The last of several values counts.
const policy::Node* wanted(const Change& change, const Key& key) {
    const policy::Node* value = nullptr;
    for (const Assignment& assignment : change.set) {
        value = assignment.key == key ? &assignment.value : value;
    }
    for (const Key& removed : change.unset) {
        value = removed == key ? nullptr : value;
    }
    return value;
}

} // namespace

void one_input(std::span<const std::uint8_t> bytes) {
    Input input(bytes);
    const Change change = change_of(input.part('\f'));
    const std::string text(text_of(input.rest()));
    const auto changed = edited(text, change);
    if (!changed) {
        must(!changed.error().what.empty(), "an error has a message");
        return;
    }
    const policy::Node before = contents_of(text);
    const policy::Node after = contents_of(*changed);
    const policy::Node* table = find_table(after, change.rule);
    must(!change.remove_rule || table == nullptr || find_table(before, change.rule) != nullptr, "no rule was added");
    for (const Assignment& assignment : change.set) {
        const policy::Node* value = wanted(change, assignment.key);
        const policy::Entry* entry = table == nullptr ? nullptr : find_key(*table, assignment.key);
        must(value == nullptr ? entry == nullptr : entry != nullptr && same(entry->value, *value),
             "a key has its value");
        must(parse_value(toml_of(assignment.value)).has_value(), "a value is read as it is written");
    }
    for (const Key& key : change.unset) {
        must(table == nullptr || find_key(*table, key) == nullptr, "a removed key is absent");
    }
    const policy::Entry* version = find_entry(after, "version");
    must(change.set.empty() || version != nullptr, "there is a version");
    const auto again = edited(*changed, change);
    must(again.has_value() && (change.remove_rule || *again == *changed), "the same change changes nothing more");
}

} // namespace sesslimit::fuzz
