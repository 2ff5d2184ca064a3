// SPDX-License-Identifier: MIT
#include "ctl/policy_edit/listing.hpp"

#include "ctl/policy_edit/tree.hpp"

#include <algorithm>

namespace sesslimit::policy_edit {
namespace {

using policy::Entry;
using policy::Node;
using policy::SourceText;

std::optional<Node> document_of(const SourceText& source) {
    auto parsed = policy::parse_document(source.text, policy::lines_of(source.text));
    return parsed ? std::optional(*std::move(parsed)) : std::nullopt;
}

WrittenRule rule_of(const Node& table, const SourceText& source) {
    WrittenRule rule{
        .name = {}, .tier = source.tier, .file = source.path, .line = table.at.line, .match = {}, .settings = {}};
    for (const Entry& entry : table.entries) {
        if (entry.key == "name") {
            rule.name = entry.value.text;
        } else if (entry.key == "match") {
            for (const Entry& inner : entry.value.entries) {
                rule.match.push_back({{inner.key, true}, inner.value, source.path, inner.key_at.line});
            }
        } else {
            rule.settings.push_back({{entry.key, false}, entry.value, source.path, entry.key_at.line});
        }
    }
    return rule;
}

} // namespace

std::vector<WrittenRule> written_rules(const std::vector<SourceText>& texts) {
    std::vector<WrittenRule> rules;
    for (const SourceText& source : texts) {
        const auto document = document_of(source);
        const Entry* all = document ? find_entry(*document, "rule") : nullptr;
        if (all == nullptr) {
            continue;
        }
        for (const Node& table : all->value.items) {
            rules.push_back(rule_of(table, source));
        }
    }
    return rules;
}

std::vector<WrittenSetting> written_defaults(const std::vector<SourceText>& texts) {
    std::vector<WrittenSetting> settings;
    for (const SourceText& source : texts) {
        const auto document = source.tier == policy::Tier::host ? document_of(source) : std::nullopt;
        const Node* table = document ? find_table(*document, "") : nullptr;
        if (table == nullptr) {
            continue;
        }
        for (const Entry& entry : table->entries) {
            std::erase_if(settings, [&](const WrittenSetting& earlier) { return earlier.key.name == entry.key; });
            settings.push_back({{entry.key, false}, entry.value, source.path, entry.key_at.line});
        }
    }
    return settings;
}

} // namespace sesslimit::policy_edit
