// SPDX-License-Identifier: MIT
#include "ctl/policy_edit/effect.hpp"
#include "tests/unit/support/policies.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace sesslimit;
using namespace sesslimit::policy_edit;
using namespace sesslimit::test;

namespace {

/// Text of each file after "version = 1", which is line 1.
struct Files {
    std::string managed;
    std::string ours;
    std::string later;
};

policy::Policy policy_of(const Files& files) {
    FakeNames names;
    const std::string version = "version = 1\n";
    policy::Loaded loaded = policy::load({{"m", policy::Tier::managed, version + files.managed},
                                          {"ours", policy::Tier::host, version + files.ours},
                                          {"zz", policy::Tier::host, version + files.later}},
                                         names);
    EXPECT(loaded.policy.has_value(), files.ours);
    return *std::move(loaded.policy);
}

std::string text_of(const SetValue& value) {
    return value.value + (value.tier ? '@' + value.file + ':' + std::to_string(value.line) : "");
}

/// Returns an effect as "KIND VALUE@FILE:LINE", followed by "| RULE VALUE@FILE:LINE" for each rule.
std::string text_of(const Effect& effect) {
    constexpr const char* kinds[] = {"in effect", "same", "later", "stricter", "preferred", "not set"};
    std::string text = kinds[static_cast<std::size_t>(effect.kind)];
    text += effect.applies ? ' ' + text_of(*effect.applies) : "";
    for (const SetValue& rule : effect.rules) {
        text += " | " + rule.rule + ' ' + text_of(rule);
    }
    if (const auto& observed = effect.observed_by) {
        text += " observed by " + observed->file + ':' + std::to_string(observed->line);
    }
    return text;
}

struct Case {
    Files files;
    const char* rule;
    const char* key;
    const char* effect;
};

void check(const std::vector<Case>& cases) {
    for (const Case& one : cases) {
        const std::string about = std::string(one.key) + " in " + one.files.ours + ": ";
        EXPECT_TEXT(about + text_of(effect_of(policy_of(one.files), "ours", one.rule, one.key)), about + one.effect);
    }
}

const std::string hours = "[defaults]\nmax_duration = \"12h\"\n";

SESSLIMIT_TEST(effect_in_defaults) {
    check({
        {{"", hours, ""}, "", "max_duration", "in effect 12h@ours:3"},
        {{"[defaults]\nmax_duration = \"8h\"\n", hours, ""}, "", "max_duration", "stricter 8h@m:3"},
        {{"[defaults]\nmax_duration = \"1d\"\n", hours, ""}, "", "max_duration", "in effect 12h@ours:3"},
        {{"[defaults]\nmax_duration = \"720min\"\n", hours, ""}, "", "max_duration", "same 12h@m:3"},
        {{"", hours, "[defaults]\nmax_duration = \"2d\"\n"}, "", "max_duration", "later 2d@zz:3"},
        {{"[defaults]\nmax_duration = \"8h\"\n", hours, "[defaults]\nmax_duration = \"2d\"\n"},
         "",
         "max_duration",
         "later 8h@m:3"},
        {{"", hours, ""}, "", "mode", "not set enforce"},
        {{"", hours + "mode = \"observe\"\n", ""}, "", "max_duration", "in effect 12h@ours:3 observed by ours:4"},
        {{"[defaults]\nmax_sessions = 3\n", "[defaults]\nmode = \"observe\"\n", ""}, "", "mode", "preferred enforce"},
        {{"[defaults]\nmessage = \"a\"\n", "[defaults]\nmessage = \"b\"\n", ""}, "", "message", "preferred a@m:3"},
        {{"[defaults]\nkeep = [\"tmux\"]\n", "[defaults]\nkeep = [\"tmux\", \"screen\"]\n", ""},
         "",
         "keep",
         "stricter [tmux]@m:3"},
        {{"[defaults]\nwarn_before = \"5min\"\n", "[defaults]\nwarn_before = \"1min\"\n", ""},
         "",
         "warn_before",
         "in effect [1min]@ours:3"},
        {{"", "[defaults]\nignore_services = [\"su\"]\n", ""}, "", "ignore_services", "in effect @ours:3"},
        {{"", "[defaults]\nignore_services = [\"su\"]\n", "[defaults]\nignore_services = []\n"},
         "",
         "ignore_services",
         "later @zz:3"},
        {{"[[rule]]\nname = \"r\"\nmatch.uid = 3\nmax_duration = \"1h\"\n", hours,
          "[[rule]]\nname = \"s\"\nmatch.uid = 4\nmax_duration = \"2h\"\nquiet = true\n"},
         "",
         "max_duration",
         "in effect 12h@ours:3 | r 1h@m:5 | s 2h@zz:5"},
    });
}

const std::string rule = "[[rule]]\nname = \"r\"\nmatch.uid = 3\n";

SESSLIMIT_TEST(effect_in_rule) {
    check({
        {{"", rule + "max_sessions = 3\n", ""}, "r", "max_sessions", "in effect 3@ours:5"},
        {{"", rule + "max_sessions = 3\n", "[defaults]\nmax_sessions = 1\n"},
         "r",
         "max_sessions",
         "in effect 3@ours:5"},
        {{"[defaults]\nmax_sessions = 2\n", rule + "max_sessions = 3\n", ""}, "r", "max_sessions", "stricter 2@m:3"},
        {{"[[rule]]\nname = \"a\"\nmatch.uid = 4\nmax_sessions = 1\n", rule + "max_sessions = 3\n",
          "[[rule]]\nname = \"b\"\nmatch.uid = 5\nmax_sessions = 2\n[[rule]]\nname = \"c\"\nmatch.uid = "
          "5\nmax_sessions = 3\n"},
         "r",
         "max_sessions",
         "in effect 3@ours:5 | a 1@m:5 | b 2@zz:5"},
        {{"", rule + "message = \"x\"\n", "[[rule]]\nname = \"b\"\nmatch.uid = 5\nmessage = \"y\"\n"},
         "r",
         "message",
         "in effect x@ours:5"},
        {{"", rule + "keep = [\"tmux\"]\n", "[[rule]]\nname = \"b\"\nmatch.uid = 5\nkeep = []\n"},
         "r",
         "keep",
         "in effect [tmux]@ours:5 | b []@zz:5"},
        {{"", rule + "quiet = true\n", "[defaults]\nmax_sessions = 7\n"}, "r", "max_sessions", "not set 7@zz:3"},
        {{"", rule + "exempt = true\n", ""}, "r", "exempt", "in effect"},
        {{"", rule + "exempt = true\n", ""}, "r", "match.uid", "in effect"},
        {{"", "[defaults]\nmode = \"observe\"\n" + rule + "max_sessions = 3\n", ""},
         "r",
         "max_sessions",
         "in effect 3@ours:7 observed by ours:3"},
    });
}

SESSLIMIT_TEST(effective_defaults_of_both_tiers) {
    const auto all = effective_defaults(policy_of({"[defaults]\nmax_duration = \"8h\"\nignore_services = [\"x\"]\n",
                                                   hours + "max_sessions = 3\n", rule + "quiet = true\n"}));
    std::string text;
    for (const auto& [name, value] : all) {
        if (value.tier) {
            text += name + '=' + text_of(value) + ' ';
        }
        EXPECT(name != "max_sessions_total", name);
    }
    EXPECT_TEXT(text, "max_sessions=3@ours:4 max_duration=8h@m:3 ignore_services=[x]@m:4 ");
    const auto none = effective_defaults(policy_of({"", "", ""}));
    EXPECT(none.back().first == "ignore_services" && none.back().second.value.starts_with("[su, su-l, "),
           none.back().second.value);
}

} // namespace
