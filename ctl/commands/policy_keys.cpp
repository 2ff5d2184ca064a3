// SPDX-License-Identifier: MIT
#include "ctl/commands/policy_keys.hpp"

#include "ctl/policy_edit/value.hpp"
#include "daemon/policy/read.hpp"

#include <algorithm>

namespace sesslimit::ctl {
namespace {

/// Returns the message of the policy loader about a key that the table does not have.
std::string key_problem(std::string_view name, std::string_view table, std::span<const std::string_view> known) {
    const std::vector<std::string_view> no_lines;
    std::vector<policy::Problem> problems;
    policy::Report report({}, no_lines, problems);
    policy::unknown_key({std::string(name), {}, {}}, table, known, report);
    return problems.empty() ? "unknown key" : problems.front().what;
}

} // namespace

std::vector<std::string_view> settable_keys(bool of_rule) {
    const auto own = of_rule ? policy::own_keys_of_rules() : policy::own_keys_of_defaults();
    std::vector<std::string_view> keys(policy::setting_keys().begin(), policy::setting_keys().end());
    keys.insert(keys.end(), own.begin(), own.end());
    std::erase_if(keys, [](std::string_view key) { return key == "name" || key == "match"; });
    return keys;
}

Result<policy_edit::Key> parse_key(std::string_view name, bool of_rule, bool of_match) {
    const auto settable = settable_keys(of_rule);
    const auto known = of_match ? policy::match_keys() : std::span<const std::string_view>(settable);
    if (std::ranges::find(known, name) != known.end()) {
        return policy_edit::Key{std::string(name), of_match};
    }
    if (of_rule && !of_match && (name == "match" || name.starts_with("match."))) {
        return fail("keys under match need the option --match KEY=VALUE");
    }
    return fail(key_problem(name, of_match ? "match" : of_rule ? "[[rule]]" : "[defaults]", known));
}

Result<policy_edit::Assignment> parse_assignment(std::string_view word, bool of_rule, bool of_match) {
    const std::size_t sign = word.find('=');
    auto key = parse_key(word.substr(0, sign), of_rule, of_match);
    if (!key) {
        return std::unexpected(std::move(key.error()));
    }
    if (sign == word.npos) {
        return fail(key->name + " needs a value; write " + key->name + "=VALUE");
    }
    auto value = policy_edit::parse_value(word.substr(sign + 1));
    if (!value) {
        return fail(key->name + ": " + value.error());
    }
    return policy_edit::Assignment{*std::move(key), *std::move(value)};
}

} // namespace sesslimit::ctl
