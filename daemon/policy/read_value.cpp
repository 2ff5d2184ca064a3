// SPDX-License-Identifier: MIT
#include "daemon/policy/read.hpp"

#include <algorithm>
#include <array>

namespace sesslimit::policy {
namespace {

std::string_view kind_name(Node::Kind kind) {
    switch (kind) {
    case Node::Kind::boolean:
        return "a boolean";
    case Node::Kind::integer:
        return "a number";
    case Node::Kind::real:
        return "a fractional number";
    case Node::Kind::text:
        return "a string";
    case Node::Kind::moment:
        return "a date or time";
    case Node::Kind::list:
        return "an array";
    case Node::Kind::table:
        return "a table";
    }
    return "an unknown value";
}

bool is_among(std::string_view word, std::span<const std::string_view> words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

/// Returns a part of an error message that names the table in which a misplaced key is valid. Returns an empty string
/// if the key is not valid in any table.
std::string belongs(std::string_view key) {
    constexpr std::array<std::string_view, 4> rule_only = {"name", "match", "exempt", "max_sessions_total"};
    if (is_among(key, setting_keys())) {
        return "the key belongs in [defaults] or in a [[rule]]";
    }
    if (is_among(key, match_keys())) {
        return "write match." + std::string(key) + " in a [[rule]]";
    }
    if (is_among(key, rule_only)) {
        return "the key belongs in a [[rule]]";
    }
    if (key == "ignore_services") {
        return "the key belongs in [defaults]";
    }
    if (key == "version" || key == "defaults" || key == "rule") {
        return "the key belongs at the top of the file";
    }
    return {};
}

} // namespace

void wrong_type(const Entry& entry, std::string_view wanted, Report& report) {
    report.error(entry.value.at,
                 entry.key + ": expected " + std::string(wanted) + ", got " + std::string(kind_name(entry.value.kind)));
}

std::optional<bool> read_truth(const Entry& entry, Report& report) {
    if (entry.value.kind != Node::Kind::boolean) {
        wrong_type(entry, "true or false, without quotes", report);
        return std::nullopt;
    }
    return entry.value.truth;
}

bool check_text(const Node& text, Report& report) {
    if (text.text.empty()) {
        report.error(text.at, "empty string not allowed");
        return false;
    }
    if (text.text.size() > max_text_length) {
        report.error(text.at, "string is longer than 255 bytes");
        return false;
    }
    const auto bad = std::find_if(text.text.begin(), text.text.end(),
                                  [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
    if (bad != text.text.end()) {
        report.error(text.at, "string contains a control character: " + in_quotes(text.text));
        return false;
    }
    return true;
}

std::vector<const Node*> values_of(const Entry& entry, bool may_be_empty, Report& report) {
    if (entry.value.kind != Node::Kind::list) {
        return {&entry.value};
    }
    if (entry.value.items.empty() && !may_be_empty) {
        report.error(entry.value.at, entry.key + " is an empty array and matches no login; remove the key");
    }
    if (entry.value.items.size() > max_list_length) {
        report.error(entry.value.at, entry.key + " has more than 1000 values");
        return {};
    }
    std::vector<const Node*> values;
    values.reserve(entry.value.items.size());
    for (const Node& item : entry.value.items) {
        values.push_back(&item);
    }
    return values;
}

void unknown_key(const Entry& entry, std::string_view where, std::span<const std::string_view> known, Report& report) {
    const std::string key = in_quotes(entry.key);
    if (const std::string place = belongs(entry.key); !place.empty()) {
        report.error(entry.key_at, "misplaced key " + key + " in " + std::string(where) + "; " + place);
        return;
    }
    report.error(entry.key_at, "unknown key " + key + " in " + std::string(where) + suggestion(entry.key, known));
}

std::vector<std::string> read_texts_of(const Entry& entry, std::string_view wanted, Report& report) {
    std::vector<std::string> texts;
    for (const Node* value : values_of(entry, true, report)) {
        if (value->kind != Node::Kind::text) {
            wrong_type({entry.key, entry.key_at, *value}, wanted, report);
        } else if (check_text(*value, report)) {
            texts.push_back(value->text);
        }
    }
    return texts;
}

} // namespace sesslimit::policy
