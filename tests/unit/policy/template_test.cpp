// SPDX-License-Identifier: MIT
#include "daemon/policy/template.hpp"

#include "tests/unit/support/cmocka.hpp"

#include <algorithm>

namespace {

using namespace sesslimit::policy;
using Kind = TemplateFault::Kind;

/// Formats faults in one line: "unknown:1:usr stray:9".
std::string told(const std::vector<TemplateFault>& faults) {
    constexpr std::string_view kinds[] = {"unknown", "not_closed", "stray"};
    std::string text;
    for (const TemplateFault& fault : faults) {
        text += (text.empty() ? "" : " ") + std::string(kinds[static_cast<std::size_t>(fault.kind)]) + ':' +
                std::to_string(fault.at);
        text += fault.kind == Kind::unknown ? ':' + std::string(fault.name) : "";
    }
    return text;
}

struct Case {
    std::string_view text;
    std::string_view faults;
    std::string_view expanded;
};

const TemplateValues values = {{"user", "alice"},  {"limit", "3"},
                               {"open", "3"},      {"reason", "limit of 3 sessions reached"},
                               {"host", "{user}"}, {"sessions", "  one\n  two"}};

constexpr Case cases[] = {
    {"", "", ""},
    {"plain words", "", "plain words"},
    {"{user}", "", "alice"},
    {"{user}{limit}{open}", "", "alice33"},
    {"Sorry {user}: {reason}.\n{sessions}\nCall 4711.", "",
     "Sorry alice: limit of 3 sessions reached.\n  one\n  two\nCall 4711."},
    {"a value is not expanded: {host}", "", "a value is not expanded: {user}"},
    {"{{", "", "{"},
    {"}}", "", "}"},
    {"{{user}}", "", "{user}"},
    {"{{{user}}}", "", "{alice}"},
    {"{{{{", "", "{{"},
    {"{usr}", "unknown:1:usr", "{usr}"},
    {"{}", "unknown:1:", "{}"},
    {"{ user}", "unknown:1: user", "{ user}"},
    {"{User}", "unknown:1:User", "{User}"},
    {"{user", "not_closed:0", "{user"},
    {"{", "not_closed:0", "{"},
    {"a {user\n} b", "not_closed:2 stray:8", "a {user\n} b"},
    {"{user{limit}", "not_closed:0", "{user3"},
    {"a } b", "stray:2", "a } b"},
    {"{user}}", "stray:6", "alice}"},
    {"{a} {{ {b} }} {c", "unknown:1:a unknown:8:b not_closed:14", "{a} { {b} } {c"},
};

SESSLIMIT_TEST(template_faults_found_and_text_expanded) {
    for (const Case& one : cases) {
        EXPECT_TEXT(told(faults_of(one.text, message_placeholders)), one.faults);
        EXPECT_TEXT(expand(one.text, values, 4096), one.expanded);
    }
}

SESSLIMIT_TEST(every_placeholder_expands_to_its_value) {
    EXPECT(message_placeholders.size() == values.size(), "as many as the test knows");
    for (const std::string_view name : message_placeholders) {
        const std::string text = '{' + std::string(name) + '}';
        EXPECT(faults_of(text, message_placeholders).empty() && values.contains(name), name);
        EXPECT_TEXT(expand(text, values, 4096), values.at(name));
        EXPECT_TEXT(expand(text, {}, 4096), text);
    }
}

SESSLIMIT_TEST(expansion_cut_at_limit) {
    EXPECT_TEXT(expand("0123456789", {}, 10), "0123456789");
    EXPECT_TEXT(expand("0123456789", {}, 9), "012345...");
    EXPECT_TEXT(expand("{user}{limit}", values, 5), "al...");
    EXPECT_TEXT(expand("{user}{limit}", values, 6), "alice3");
    EXPECT_TEXT(expand("0123456789", {}, 3), "...");
    EXPECT_TEXT(expand("0123456789", {}, 2), "01");
    EXPECT_TEXT(expand("0123456789", {}, 0), "");
    EXPECT_TEXT(expand("012\xE2\x82\xAC\xE2\x82\xAC", {}, 8), "012...");
    EXPECT_TEXT(expand("012\xE2\x82\xAC\xE2\x82\xAC", {}, 9), "012\xE2\x82\xAC\xE2\x82\xAC");
    EXPECT_TEXT(expand("\x80\x80\x80\x80\x80\x80", {}, 5), "...");
    std::string many;
    for (int i = 0; i < 100; ++i) {
        many += "{sessions}";
    }
    const TemplateValues large = {{"sessions", std::string(100'000, 's')}};
    EXPECT_TEXT(expand(many, large, 4096), std::string(4093, 's') + "...");
}

} // namespace
