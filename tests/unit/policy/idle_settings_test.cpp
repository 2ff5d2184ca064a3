// SPDX-License-Identifier: MIT
// Resolution of the settings for idleness and session ends: strictness, tiers, fallbacks.
#include "common/duration.hpp"
#include "daemon/policy/resolve.hpp"
#include "tests/unit/support/limits_text.hpp"
#include "tests/unit/support/policies.hpp"

namespace {

using namespace sesslimit;
using namespace sesslimit::policy;
using namespace sesslimit::test;

/// Formats the settings that the policy sets, in one line: "activity=input,cpu@r:6".
std::string told_of_ends(const Limits& limits, const Policy& policy) {
    std::string text;
    const auto add = [&](std::string_view name, const auto& setting, const std::string& value) {
        if (setting.from != SourceId::nowhere) {
            text += (text.empty() ? "" : " ") + std::string(name) + '=' + value + origin(setting, policy);
        }
    };
    const Activity activity = limits.idle_activity.value;
    add("idle", limits.idle_timeout, format_span(limits.idle_timeout.value));
    add("no_terminal", limits.idle_timeout_no_terminal, format_span(limits.idle_timeout_no_terminal.value));
    add("activity", limits.idle_activity,
        std::string("input") + (activity.network ? ",network" : "") + (activity.output ? ",output" : "") +
            (activity.processor ? ",cpu" : ""));
    add("on_idle", limits.on_idle, limits.on_idle.value == OnIdle::lock ? "lock" : "end");
    std::string programs;
    for (const std::string& program : limits.keep.value.programs) {
        programs += (programs.empty() ? "" : ",") + program;
    }
    add("keep", limits.keep, programs);
    add("counted", limits.count_left_behind, limits.count_left_behind.value == CountLeftBehind::yes ? "yes" : "no");
    add("limited", limits.limit_left_behind, limits.limit_left_behind.value == LimitLeftBehind::yes ? "yes" : "no");
    add("announce", limits.announce, limits.announce.value == Announce::yes ? "yes" : "no");
    add("quiet", limits.quiet, limits.quiet.value == Quiet::yes ? "yes" : "no");
    add("message", limits.message_of_end, limits.message_of_end.value);
    return text;
}

struct Case {
    const char* what;
    std::string host;
    std::string managed;
    const char* limits;
    Login login = alice;
};

void check(const std::vector<Case>& cases) {
    for (const Case& one : cases) {
        const Policy policy = policy_of(one.host, one.managed);
        EXPECT_TEXT(std::string(one.what) + ": " + told_of_ends(resolve(policy, one.login), policy),
                    std::string(one.what) + ": " + one.limits);
    }
}

/// Returns [defaults] with this content, which begins at line 3.
std::string defaults(const std::string& says) {
    return "[defaults]\n" + says + '\n';
}

/// Returns two rules that match alice. A rule with empty content sets no limit. The contents begin at lines 5 and 9.
std::string rules(const std::string& first, const std::string& second) {
    const auto rule = [](const char* name, const std::string& says) {
        return "[[rule]]\nname = \"" + std::string(name) + "\"\nmatch.user = \"alice\"\n" +
               (says.empty() ? "max_sessions = \"unlimited\"" : says) + '\n';
    };
    return rule("a", first) + rule("b", second);
}

SESSLIMIT_TEST(empty_policy_has_idle_defaults) {
    const Limits limits = resolve(Policy{}, alice);
    EXPECT(limits.idle_timeout_no_terminal.value == unlimited_duration, "no limit");
    EXPECT(limits.idle_activity.value == Activity{.network = true}, "input and network");
    EXPECT(limits.on_idle.value == OnIdle::end, "terminated");
    EXPECT(limits.keep.value.programs.empty(), "no program is preserved");
    EXPECT(limits.announce.value == Announce::no, "not announced");
    EXPECT(limits.quiet.value == Quiet::no, "texts are shown");
    EXPECT(limits.message_of_end.value.empty(), "the built-in text");
}

SESSLIMIT_TEST(displacement_depends_on_activity) {
    const auto depends = [](const std::string& says) {
        return displaces_by_activity(resolve(policy_of(defaults(says)), alice));
    };
    EXPECT(!depends(R"(displace_idle = "1s")"), "denied at the limit");
    EXPECT(!depends(R"(at_limit = "end-oldest")"), "the oldest");
    EXPECT(depends("at_limit = \"end-oldest\"\ndisplace_idle = \"1s\""), "the oldest that is idle");
    EXPECT(depends(R"(at_limit = "end-idlest")"), "the idlest");
}

SESSLIMIT_TEST(each_syntax_of_setting_accepted) {
    check({
        {"a single word", defaults(R"(idle_activity = "input")"), "", "activity=input@defaults:3"},
        {"a list of one word", defaults(R"(idle_activity = ["input"])"), "", "activity=input@defaults:3"},
        {"with output", defaults(R"(idle_activity = ["output", "input"])"), "", "activity=input,output@defaults:3"},
        {"with CPU time", defaults(R"(idle_activity = ["input", "cpu"])"), "", "activity=input,cpu@defaults:3"},
        {"all", defaults(R"(idle_activity = ["cpu", "input", "network", "output"])"), "",
         "activity=input,network,output,cpu@defaults:3"},
        {"one twice", defaults(R"(idle_activity = ["input", "cpu", "cpu"])"), "", "activity=input,cpu@defaults:3"},
        {"the others",
         defaults(
             "on_idle = \"lock\"\nkeep = [\"tmux\", \"screen\", \"tmux\"]\nannounce = true\nmessage_of_end = \"x\""),
         "", "on_idle=lock@defaults:3 keep=tmux,screen@defaults:4 announce=yes@defaults:5 message=x@defaults:6"},
        {"defaults set explicitly", defaults("on_idle = \"end\"\nkeep = []\nannounce = false"), "",
         "on_idle=end@defaults:3 keep=@defaults:4 announce=no@defaults:5"},
    });
}

SESSLIMIT_TEST(strictest_of_two_rules_wins) {
    struct Row {
        const char* stricter;
        const char* looser;
        std::string told;
    };
    const Row rows[] = {
        {R"(idle_activity = "input")", R"(idle_activity = ["input", "output"])", "activity=input"},
        {R"(idle_activity = ["input", "output"])", R"(idle_activity = ["input", "network", "output"])",
         "activity=input,output"},
        {R"(idle_activity = ["input", "cpu"])", R"(idle_activity = ["input", "output", "cpu"])", "activity=input,cpu"},
        {R"(on_idle = "end")", R"(on_idle = "lock")", "on_idle=end"},
        {"keep = []", "keep = [\"tmux\"]", "keep="},
        {"keep = [\"tmux\"]", "keep = [\"screen\", \"tmux\"]", "keep=tmux"},
        {"count_left_behind = true", "count_left_behind = false", "counted=yes"},
        {"limit_left_behind = true", "limit_left_behind = false", "limited=yes"},
        {"announce = true", "announce = false", "announce=yes"},
        {"quiet = true", "quiet = false", "quiet=yes"},
        {R"(idle_timeout_no_terminal = "5min")", R"(idle_timeout_no_terminal = "6min")", "no_terminal=5min"},
        {R"(idle_timeout_no_terminal = "1h")", R"(idle_timeout_no_terminal = "unlimited")", "no_terminal=1h"},
    };
    for (const Row& row : rows) {
        const std::string first = row.told + "@a:5";
        const std::string second = row.told + "@b:9";
        const std::string managed = row.told + "@managed/defaults:3";
        const std::string host = row.told + "@defaults:3";
        check({
            {"the first rule", rules(row.stricter, row.looser), "", first.c_str()},
            {"the second rule", rules(row.looser, row.stricter), "", second.c_str()},
            {"equal values: the earlier rule", rules(row.stricter, row.stricter), "", first.c_str()},
            {"a rule against a looser default", rules(row.stricter, "") + defaults(row.looser), "", first.c_str()},
            {"the managed tier", defaults(row.looser), defaults(row.stricter), managed.c_str()},
            {"the host tier", defaults(row.stricter), defaults(row.looser), host.c_str()},
            {"equal values: the managed tier", defaults(row.stricter), defaults(row.stricter), managed.c_str()},
        });
    }
}

SESSLIMIT_TEST(kept_programs_must_be_in_each_list) {
    const std::string two = rules(R"(keep = ["tmux", "screen"])", R"(keep = ["screen", "zellij"])");
    check({
        {"two rules", two, "", "keep=screen@b:9"},
        {"not the defaults of the same tier", two + defaults("keep = []"), "", "keep=screen@b:9"},
        {"rules that have nothing in common", rules(R"(keep = "tmux")", R"(keep = "screen")"), "", "keep=@b:9"},
        {"a rule of the other tier", two, rules("", R"(keep = "tmux")"), "keep=@b:9"},
        {"the defaults of the other tier", two, defaults(R"(keep = ["zellij", "tmux"])"), "keep=@b:9"},
    });
}

SESSLIMIT_TEST(rule_may_be_looser_than_defaults) {
    const std::string host = defaults(R"(idle_activity = "input"
on_idle = "end"
keep = []
announce = true
quiet = true
message_of_end = "default"
idle_timeout_no_terminal = "5min")") +
                             R"([[rule]]
name = "r"
match.user = "alice"
idle_activity = ["input", "output", "cpu"]
on_idle = "lock"
keep = "tmux"
announce = false
quiet = false
message_of_end = ""
idle_timeout_no_terminal = "unlimited"
)";
    check({
        {"matching user", host, "",
         "no_terminal=unlimited@r:19 activity=input,output,cpu@r:13 on_idle=lock@r:14 keep=tmux@r:15 announce=no@r:16 "
         "quiet=no@r:17 message=@r:18"},
        {"other users", host, "",
         "no_terminal=5min@defaults:9 activity=input@defaults:3 on_idle=end@defaults:4 keep=@defaults:5 "
         "announce=yes@defaults:6 quiet=yes@defaults:7 message=default@defaults:8",
         bob},
    });
}

SESSLIMIT_TEST(no_terminal_limit_defaults_to_idle_timeout_of_same_tier) {
    check({
        {"of [defaults]", defaults(R"(idle_timeout = "15min")"), "",
         "idle=15min@defaults:3 no_terminal=15min@defaults:3"},
        {"of the strictest rule", rules(R"(idle_timeout = "20min")", R"(idle_timeout = "10min")"), "",
         "idle=10min@b:9 no_terminal=10min@b:9"},
        {"set explicitly, longer", defaults("idle_timeout = \"15min\"\nidle_timeout_no_terminal = \"1h\""), "",
         "idle=15min@defaults:3 no_terminal=1h@defaults:4"},
        {"set explicitly, unlimited", defaults("idle_timeout = \"15min\"\nidle_timeout_no_terminal = \"unlimited\""),
         "", "idle=15min@defaults:3 no_terminal=unlimited@defaults:4"},
        {"set alone", defaults(R"(idle_timeout_no_terminal = "1h")"), "", "no_terminal=1h@defaults:3"},
        {"set in [defaults], before a rule's idle_timeout",
         rules(R"(idle_timeout = "5min")", "") + defaults(R"(idle_timeout_no_terminal = "1h")"), "",
         "idle=5min@a:5 no_terminal=1h@defaults:11"},
        {"not from the other tier", defaults(R"(idle_timeout = "15min")"),
         defaults(R"(idle_timeout_no_terminal = "1h")"), "idle=15min@defaults:3 no_terminal=15min@defaults:3"},
        {"a looser host tier does not lift the managed tier's fallback",
         defaults("idle_timeout = \"1h\"\nidle_timeout_no_terminal = \"unlimited\""),
         defaults(R"(idle_timeout = "30min")"), "idle=30min@managed/defaults:3 no_terminal=30min@managed/defaults:3"},
    });
}

SESSLIMIT_TEST(exempt_rule_lifts_settings_of_its_tier) {
    const std::string all = R"(idle_timeout_no_terminal = "5min"
idle_activity = ["input", "cpu"]
on_idle = "lock"
keep = "tmux"
announce = true
quiet = true
message_of_end = "bye")";
    const std::string exempt = "[[rule]]\nname = \"x\"\nmatch.user = \"alice\"\nexempt = true\n";
    check({
        {"all of them", defaults(all) + exempt, "", ""},
        {"those of rules too", rules(all, "") + "[[rule]]\nname = \"x\"\nmatch.group = \"staff\"\nexempt = true\n", "",
         ""},
        {"not those of the other tier", defaults(all) + exempt, defaults(R"(on_idle = "lock")"),
         "on_idle=lock@managed/defaults:3"},
    });
}

SESSLIMIT_TEST(first_message_wins) {
    check({
        {"of two rules", rules(R"(message_of_end = "a")", R"(message_of_end = "b")"), "", "message=a@a:5"},
        {"the only one", rules("", R"(message_of_end = "b")"), "", "message=b@b:9"},
        {"a rule before [defaults]", defaults(R"(message_of_end = "d")") + rules("", R"(message_of_end = "b")"), "",
         "message=b@b:11"},
        {"a rule of the host before [defaults] of the managed tier", rules(R"(message_of_end = "a")", ""),
         defaults(R"(message_of_end = "m")"), "message=a@a:5"},
        {"the managed rule before the host's", rules(R"(message_of_end = "a")", ""),
         rules(R"(message_of_end = "m")", ""), "message=m@managed/a:5"},
        {"the managed [defaults] before the host's", defaults(R"(message_of_end = "d")"),
         defaults(R"(message_of_end = "m")"), "message=m@managed/defaults:3"},
    });
}

SESSLIMIT_TEST(managed_limit_is_enforced_despite_observe_in_host_tier) {
    const Policy policy = policy_of(defaults(R"(mode = "observe")"), defaults(R"(idle_timeout_no_terminal = "5min")"));
    EXPECT(resolve(policy, alice).mode.value == Mode::enforce, "idle_timeout_no_terminal is a limit");
    const Policy no_limit = policy_of(defaults("max_sessions = 1\nmode = \"observe\""),
                                      defaults("idle_activity = \"input\"\non_idle = \"lock\"\nannounce = true"));
    EXPECT(resolve(no_limit, alice).mode.value == Mode::observe, "the others are not limits");
}

} // namespace
