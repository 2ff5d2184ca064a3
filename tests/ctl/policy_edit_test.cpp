// SPDX-License-Identifier: MIT
#include "ctl/policy_edit/edit.hpp"
#include "ctl/policy_edit/value.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <string>
#include <string_view>
#include <vector>

using namespace sesslimit;
using namespace sesslimit::policy_edit;

namespace {

Key key_of(std::string_view text) {
    const bool of_match = text.starts_with("match.");
    return {std::string(text.substr(of_match ? 6 : 0)), of_match};
}

/// Returns a change from words such as "max_sessions=3" and "-max_sessions".
Change change_of(std::string rule, const std::vector<std::string>& words) {
    Change change{.rule = std::move(rule), .set = {}, .unset = {}};
    for (const std::string& word : words) {
        if (word.starts_with('-')) {
            change.unset.push_back(key_of(std::string_view(word).substr(1)));
            continue;
        }
        const std::size_t sign = word.find('=');
        change.set.push_back({key_of(std::string_view(word).substr(0, sign)),
                              parse_value(std::string_view(word).substr(sign + 1)).value()});
    }
    return change;
}

/// Returns the changed text, or "error LINE: MESSAGE".
std::string result_of(std::string_view text, const Change& change) {
    const auto result = edited(text, change);
    return result ? *result : "error " + std::to_string(result.error().line) + ": " + result.error().what;
}

struct Case {
    const char* name;
    std::string before;
    std::string rule;
    std::vector<std::string> words;
    std::string after;
};

void check(const std::vector<Case>& cases) {
    for (const Case& one : cases) {
        EXPECT_TEXT(one.name + std::string(":\n") + result_of(one.before, change_of(one.rule, one.words)),
                    one.name + std::string(":\n") + one.after);
    }
}

SESSLIMIT_TEST(set_replaces_only_the_value) {
    check({
        {"number",
         "version = 1\n[defaults]\nmax_sessions = 3\nmode = \"observe\"\n",
         "",
         {"max_sessions=5"},
         "version = 1\n[defaults]\nmax_sessions = 5\nmode = \"observe\"\n"},
        {"comment and blanks",
         "version = 1\n[defaults]\n  max_sessions  =\t3   # agreed\n",
         "",
         {"max_sessions=5"},
         "version = 1\n[defaults]\n  max_sessions  =\t5   # agreed\n"},
        {"number sign in a string",
         "version = 1\n[defaults]\nmessage = \"a # b\" # c # d\n",
         "",
         {"message=x # y"},
         "version = 1\n[defaults]\nmessage = \"x # y\" # c # d\n"},
        {"equal value",
         "version = 1\n[defaults]\nmax_duration = '8h'   # as is\n",
         "",
         {"max_duration=8h"},
         "version = 1\n[defaults]\nmax_duration = '8h'   # as is\n"},
        {"quoted key",
         "version = 1\n[defaults]\n\"max_sessions\" = 3\n",
         "",
         {"max_sessions=5"},
         "version = 1\n[defaults]\n\"max_sessions\" = 5\n"},
        {"array over lines",
         "version = 1\n[defaults]\nkeep = [ # programs\n  \"tmux\", # 1\n  \"screen\",\n] # end\nmode = \"observe\"\n",
         "",
         {"keep=[\"tmux\"]"},
         "version = 1\n[defaults]\n# programs\n# 1\nkeep = [\"tmux\"] # end\nmode = \"observe\"\n"},
        {"string over lines",
         "version = 1\n[defaults]\nmessage = \"\"\"\nno # comment\n\"\"\" # one\n",
         "",
         {"message=x"},
         "version = 1\n[defaults]\nmessage = \"x\" # one\n"},
        {"dotted table",
         "version = 1\ndefaults.max_sessions = 3 # c\n",
         "",
         {"max_sessions=5"},
         "version = 1\ndefaults.max_sessions = 5 # c\n"},
        {"CRLF",
         "version = 1\r\n[defaults]\r\nmax_sessions = 3 # c\r\n",
         "",
         {"max_sessions=5"},
         "version = 1\r\n[defaults]\r\nmax_sessions = 5 # c\r\n"},
        {"no final newline",
         "version = 1\n[defaults]\nmax_sessions = 3",
         "",
         {"max_sessions=5"},
         "version = 1\n[defaults]\nmax_sessions = 5"},
        {"not ASCII",
         "version = 1\n[defaults]\nmessage = \"größer\" # Prüfung\n",
         "",
         {"message=später"},
         "version = 1\n[defaults]\nmessage = \"später\" # Prüfung\n"},
    });
}

SESSLIMIT_TEST(set_adds_key_after_the_last_of_its_table) {
    check({
        {"empty text", "", "", {"max_sessions=5"}, "version = 1\n\n[defaults]\nmax_sessions = 5\n"},
        {"only comments",
         "# top\n\n# more",
         "",
         {"max_sessions=5"},
         "# top\n\n# more\nversion = 1\n\n[defaults]\nmax_sessions = 5\n"},
        {"no version",
         "# top\n[defaults]\n",
         "",
         {"max_sessions=5"},
         "# top\nversion = 1\n[defaults]\nmax_sessions = 5\n"},
        {"no table", "version = 1", "", {"mode=observe"}, "version = 1\n\n[defaults]\nmode = \"observe\"\n"},
        {"before comments of the next table",
         "version = 1\n[defaults]\n  keep = [\n    \"tmux\",\n  ]\n\n# The rule\n[[rule]]\nname = \"a\"\n",
         "",
         {"mode=observe"},
         "version = 1\n[defaults]\n  keep = [\n    \"tmux\",\n  ]\n  mode = \"observe\"\n\n# The rule\n[[rule]]\nname "
         "= \"a\"\n"},
        {"after the header",
         "version = 1\n[defaults] # empty\n# comment\n",
         "",
         {"mode=observe"},
         "version = 1\n[defaults] # empty\nmode = \"observe\"\n# comment\n"},
        {"dotted table",
         "version = 1\ndefaults.max_sessions = 3\n[[rule]]\nname = \"a\"\n",
         "",
         {"quiet=true"},
         "version = 1\ndefaults.max_sessions = 3\ndefaults.quiet = true\n[[rule]]\nname = \"a\"\n"},
        {"CRLF",
         "version = 1\r\n[defaults]\r\nmax_sessions = 3",
         "",
         {"mode=observe"},
         "version = 1\r\n[defaults]\r\nmax_sessions = 3\r\nmode = \"observe\"\r\n"},
        {"several",
         "version = 1\n",
         "",
         {"max_sessions=5", "warn_before=[\"5min\", '1min']", "quiet=false"},
         "version = 1\n\n[defaults]\nmax_sessions = 5\nwarn_before = [\"5min\", \"1min\"]\nquiet = false\n"},
    });
}

SESSLIMIT_TEST(set_changes_one_rule) {
    const std::string two = "version = 1\n[[rule]]\nname = \"a\"\nmatch.user = \"alice\" # her\n\n"
                            "[[rule]]\nname = 'b'\nmatch.group = [\"staff\"]\nmax_sessions = 1\n";
    check({
        {"new rule",
         "version = 1\n",
         "ops",
         {"match.group=ops", "max_sessions=9"},
         "version = 1\n\n[[rule]]\nname = \"ops\"\nmatch.group = \"ops\"\nmax_sessions = 9\n"},
        {"first rule",
         two,
         "a",
         {"quiet=true"},
         "version = 1\n[[rule]]\nname = \"a\"\nmatch.user = \"alice\" # her\nquiet = true\n\n"
         "[[rule]]\nname = 'b'\nmatch.group = [\"staff\"]\nmax_sessions = 1\n"},
        {"second rule",
         two,
         "b",
         {"max_sessions=2", "match.group=ops"},
         "version = 1\n[[rule]]\nname = \"a\"\nmatch.user = \"alice\" # her\n\n"
         "[[rule]]\nname = 'b'\nmatch.group = \"ops\"\nmax_sessions = 2\n"},
        {"new key under match",
         two,
         "a",
         {"match.service=sshd"},
         "version = 1\n[[rule]]\nname = \"a\"\nmatch.user = \"alice\" # her\nmatch.service = \"sshd\"\n\n"
         "[[rule]]\nname = 'b'\nmatch.group = [\"staff\"]\nmax_sessions = 1\n"},
        {"match as a table",
         "version = 1\n[[rule]]\nname = \"a\"\n[rule.match]\nuser = \"x\"\n",
         "a",
         {"quiet=true", "match.service=sshd", "match.user=y"},
         "version = 1\n[[rule]]\nname = \"a\"\nquiet = true\n[rule.match]\nuser = \"y\"\nservice = \"sshd\"\n"},
        {"name with quotation marks",
         "version = 1\n",
         "a\"b\\c",
         {"match.uid=0-"},
         "version = 1\n\n[[rule]]\nname = \"a\\\"b\\\\c\"\nmatch.uid = \"0-\"\n"},
    });
}

SESSLIMIT_TEST(unset_removes_only_the_key) {
    check({
        {"first of two",
         "version = 1\n[defaults]\nmax_sessions = 3 # c\n# d\nmode = \"observe\"\n",
         "",
         {"-max_sessions"},
         "version = 1\n[defaults]\n# d\nmode = \"observe\"\n"},
        {"array over lines",
         "version = 1\n[defaults]\nkeep = [\n  \"a\",\n\n  # x\n  \"b\" ]\nmode = \"observe\"\n",
         "",
         {"-keep"},
         "version = 1\n[defaults]\nmode = \"observe\"\n"},
        {"last key and its table",
         "version = 1\n\n[defaults]\nmax_sessions = 3\n",
         "",
         {"-max_sessions"},
         "version = 1\n"},
        {"table with a comment",
         "version = 1\n\n[defaults] # c\nmax_sessions = 3\n",
         "",
         {"-max_sessions"},
         "version = 1\n\n[defaults] # c\n"},
        {"not set",
         "version = 1\n[defaults]\nmax_sessions = 3",
         "",
         {"-mode"},
         "version = 1\n[defaults]\nmax_sessions = 3"},
        {"no table", "version = 1\n", "x", {"-mode"}, "version = 1\n"},
        {"under match",
         "version = 1\n[[rule]]\nname = \"a\"\nmatch.user = \"x\"\nmatch.uid = 3\n",
         "a",
         {"-match.user"},
         "version = 1\n[[rule]]\nname = \"a\"\nmatch.uid = 3\n"},
    });
}

SESSLIMIT_TEST(removed_rule_takes_its_lines_along) {
    const std::string text = "version = 1\n\n# A\n[[rule]]\nname = \"a\"\n# inner\nmatch.user = \"x\"\n# after\n\n"
                             "[[rule]]\nname = \"b\"\n[rule.match]\nuser = [\n\"y\",\n]\n";
    Change change{.rule = "a", .set = {}, .unset = {}, .remove_rule = true};
    EXPECT_TEXT(result_of(text, change), "version = 1\n\n# A\n# after\n\n"
                                         "[[rule]]\nname = \"b\"\n[rule.match]\nuser = [\n\"y\",\n]\n");
    change.rule = "b";
    EXPECT_TEXT(result_of(text, change),
                "version = 1\n\n# A\n[[rule]]\nname = \"a\"\n# inner\nmatch.user = \"x\"\n# after\n");
    change.rule = "c";
    EXPECT_TEXT(result_of(text, change), text);
}

SESSLIMIT_TEST(inline_tables_and_invalid_texts_are_not_changed) {
    check({
        {"inline defaults",
         "version = 1\ndefaults = { max_sessions = 3, quiet = true }\n",
         "",
         {"max_sessions=5"},
         "error 2: max_sessions is in an inline table; write each key on a line of its own"},
        {"new key",
         "version = 1\ndefaults = { max_sessions = 3 }\n",
         "",
         {"quiet=true"},
         "error 2: the table is an inline table; write each key on a line of its own"},
        {"inline match",
         "version = 1\n[[rule]]\nname = \"a\"\nmatch = { user = \"x\" }\n",
         "a",
         {"match.uid=3"},
         "error 4: match is an inline table; write match.uid and its other keys on lines of their own"},
        {"inline rule",
         "version = 1\nrule = [{ name = \"a\", match.user = \"x\", quiet = true }]\n",
         "a",
         {"-quiet"},
         "error 2: quiet is in an inline table; write each key on a line of its own"},
        {"broken",
         "version = 1\n[defaults]\nmax_sessions = soon\n",
         "",
         {"max_sessions=5"},
         "error 3: not valid TOML: invalid value; a string must be quoted"},
    });
}

SESSLIMIT_TEST(change_with_another_result_is_refused) {
    // Without the second rule, the header of its table would belong to the first rule.
    const std::string text = "version = 1\n[[rule]]\nname = \"a\"\nmatch.uid = 3\n"
                             "[[rule]]\nname = \"b\"\nmatch.uid = 4\n[rule.other]\n";
    const Change change{.rule = "b", .set = {}, .unset = {}, .remove_rule = true};
    EXPECT_TEXT(result_of(text, change), "error 0: the file cannot be changed line by line; change it with an editor");
}

SESSLIMIT_TEST(values_are_written_as_toml) {
    struct Value {
        const char* argument;
        const char* value;
    };
    const Value cases[] = {
        {"8h", "\"8h\""},
        {"\"8h\"", "\"8h\""},
        {"'a\\b'", "\"a\\\\b\""},
        {"3", "3"},
        {"-1", "-1"},
        {"true", "true"},
        {"True", "\"True\""},
        {"1.5", "\"1.5\""},
        {"", "\"\""},
        {"a\nb\tc\x01", "\"a\\nb\\tc\\u0001\""},
        {"{user}, no", "\"{user}, no\""},
        {"[ 'a', \"b\" ] # c", "[\"a\", \"b\"]"},
        {"[]", "[]"},
        {"[1, true, ['x']]", "[1, true, [\"x\"]]"},
        {"unlimited", "\"unlimited\""},
        {"[1.5]", "error expected a number, a string, a boolean or an array of these"},
        {"[{a=1}]", "error expected a number, a string, a boolean or an array of these"},
        {"[\"a\"]\nmode = 1", "error more than one value"},
        {"\xff", "error not valid UTF-8"},
    };
    for (const auto& one : cases) {
        const auto value = parse_value(one.argument);
        EXPECT_TEXT(value ? toml_of(*value) : "error " + value.error(), one.value);
        EXPECT(!value || parse_value(toml_of(*value)).has_value(), one.argument);
    }
    for (const char* wrong : {"[", "\"a", "'a' b", "0123"}) {
        EXPECT(!parse_value(wrong).has_value(), wrong);
    }
}

SESSLIMIT_TEST(edits_are_bounded) {
    const std::vector<std::string> words(max_keys + 1, "max_sessions=1");
    EXPECT_TEXT(result_of("", change_of("", words)), "error 0: more than 64 keys in one change");
    const std::string signs = "version = 1\n[defaults]\nmessage = \"" + std::string(5000, '#') + "\" # c\n";
    EXPECT_TEXT(result_of(signs, change_of("", {"message=x"})),
                "error 3: the value has too many number signs to keep its comments");
    std::string list = "version = 1\n[defaults]\nkeep = [\n";
    for (int line = 0; line < 3000; ++line) {
        list += "\"a\",\n";
    }
    EXPECT_TEXT(result_of(list + "]\n", change_of("", {"-keep"})), "version = 1\n");
}

} // namespace
