// SPDX-License-Identifier: MIT
#include "ctl/policy_edit/value.hpp"

#include "common/text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace sesslimit::policy_edit {
namespace {

using policy::Node;

bool is_whole_number(std::string_view text) {
    if (text.starts_with('-') || text.starts_with('+')) {
        text.remove_prefix(1);
    }
    return !text.empty() && std::ranges::all_of(text, is_digit);
}

bool looks_like_toml(std::string_view text) {
    return text == "true" || text == "false" || is_whole_number(text) ||
           (!text.empty() && std::string_view("\"'[").find(text.front()) != std::string_view::npos);
}

bool can_be_written(const Node& value) {
    switch (value.kind) {
    case Node::Kind::boolean:
    case Node::Kind::integer:
    case Node::Kind::text:
        return true;
    case Node::Kind::list:
        return std::ranges::all_of(value.items, can_be_written);
    case Node::Kind::real:
    case Node::Kind::moment:
    case Node::Kind::table:
        break;
    }
    return false;
}

void add_escaped(std::string& out, char c) {
    constexpr std::array<std::pair<char, std::string_view>, 4> short_forms = {
        {{'"', "\\\""}, {'\\', "\\\\"}, {'\n', "\\n"}, {'\t', "\\t"}}};
    const auto* const found = std::ranges::find(short_forms, c, &std::pair<char, std::string_view>::first);
    const auto byte = static_cast<unsigned char>(c);
    if (found != short_forms.end()) {
        out += found->second;
    } else if (byte < 0x20 || byte == 0x7F) {
        std::array<char, 8> escape{};
        (void)std::snprintf(escape.data(), escape.size(), "\\u%04X", byte);
        out += escape.data();
    } else {
        out += c;
    }
}

std::string in_double_quotes(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        add_escaped(out, c);
    }
    return out + '"';
}

} // namespace

std::expected<Node, std::string> parse_value(std::string_view text) {
    if (!looks_like_toml(text)) {
        if (malformed_at(text) != text.npos) {
            return std::unexpected("not valid UTF-8");
        }
        Node value;
        value.kind = Node::Kind::text;
        value.text = text;
        return value;
    }
    const std::string document = "value = " + std::string(text);
    const auto parsed = policy::parse_document(document, policy::lines_of(document));
    if (!parsed) {
        return std::unexpected(parsed.error().what);
    }
    if (parsed->entries.size() != 1) {
        return std::unexpected("more than one value");
    }
    if (!can_be_written(parsed->entries.front().value)) {
        return std::unexpected("expected a number, a string, a boolean or an array of these");
    }
    return parsed->entries.front().value;
}

std::string toml_of(const Node& value) {
    if (value.kind == Node::Kind::boolean) {
        return value.truth ? "true" : "false";
    }
    if (value.kind == Node::Kind::integer) {
        return std::to_string(value.number);
    }
    if (value.kind == Node::Kind::text) {
        return in_double_quotes(value.text);
    }
    std::string all;
    for (const Node& item : value.items) {
        all += (all.empty() ? "" : ", ") + toml_of(item);
    }
    return '[' + all + ']';
}

} // namespace sesslimit::policy_edit
