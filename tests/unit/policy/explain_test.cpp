// SPDX-License-Identifier: MIT
#include "daemon/policy/explain.hpp"

#include "tests/unit/support/policies.hpp"

#include <algorithm>

namespace {

using namespace sesslimit;
using namespace sesslimit::policy;
using namespace sesslimit::test;

std::string told(const Source* source) {
    if (source == nullptr) {
        return "";
    }
    return std::string(source->tier == Tier::managed ? "managed " : "host ") +
           (source->rule.empty() ? "[defaults]" : source->rule) + ' ' + source->file;
}

/// Formats each setting that the policy sets, one per line: "max_sessions = 3 <- host r host.toml:5".
std::string settings(const Explanation& explanation) {
    std::string text;
    for (const ExplainedSetting& one : explanation.settings) {
        if (one.from != nullptr) {
            text += one.name + " = " + one.value + " <- " + told(one.from) + ':' + std::to_string(one.line) + '\n';
        }
    }
    return text;
}

std::string rules(const Explanation& explanation) {
    std::string text;
    for (const MatchedRule& one : explanation.rules) {
        text += told(one.rule) + ':' + std::to_string(one.rule->line) + ": " + one.sets + (one.wins ? " (wins)" : "") +
                '\n';
    }
    return text;
}

ExplainedSetting setting_of(const Explanation& explanation, std::string_view name) {
    const auto found = std::ranges::find(explanation.settings, name, &ExplainedSetting::name);
    return found == explanation.settings.end() ? ExplainedSetting{} : *found;
}

SESSLIMIT_TEST(empty_policy_sets_nothing) {
    const Policy policy;
    const Explanation explanation = explain(policy, alice);
    std::string text;
    for (const ExplainedSetting& one : explanation.settings) {
        EXPECT(one.from == nullptr && one.line == 0, one.name);
        text += one.name + '=' + one.value + ' ';
    }
    EXPECT_TEXT(text,
                "max_sessions=unlimited max_sessions_total=unlimited max_sessions_fleet=unlimited on_fleet_error=local "
                "max_duration=unlimited idle_timeout=unlimited idle_timeout_no_terminal=unlimited "
                "idle_activity=[input, network] on_idle=end "
                "keep=[] count_left_behind=false limit_left_behind=false warn_before=[] at_limit=deny "
                "displace_idle=0s mode=enforce message= announce=false quiet=false message_of_end= ");
    EXPECT_TEXT(rules(explanation), "");
}

constexpr const char* rich_host = R"([defaults]
max_sessions = 10
max_duration = "12h"
idle_timeout = "15min"
warn_before = ["5min", "1min"]
at_limit = "end-oldest"
mode = "enforce"
message = "Ask the desk."
[[rule]]
name = "contractors"
match.group = "contractors"
max_sessions = 2
max_sessions_total = 50
at_limit = "end-idlest"
message = """
{reason}: "no" \\ more.

Ask \u00e4gain."""
[[rule]]
name = "interns"
match.group = "interns"
max_sessions = 5
[[rule]]
name = "marker"
match.user = "bob"
exempt = false
mode = "observe"
[[rule]]
name = "root"
match.user = "root"
exempt = true
)";

constexpr const char* rich_managed = R"([defaults]
max_duration = "8h"
warn_before = "10min"
[[rule]]
name = "all"
match.uid = "0-"
max_sessions_total = 1000
warn_before = ["2min", "1min"]
idle_timeout = "unlimited"
)";

SESSLIMIT_TEST(settings_explained_with_source_location) {
    const Policy policy = policy_of(rich_host, rich_managed);
    const Explanation explanation = explain(policy, bob);
    EXPECT_TEXT(settings(explanation), R"(max_sessions = 2 <- host contractors host.toml:13
max_sessions_total = 1000 <- managed all managed.toml:8
max_sessions_total = 50 <- host contractors host.toml:14
max_duration = 8h <- managed [defaults] managed.toml:3
idle_timeout = 15min <- host [defaults] host.toml:5
idle_timeout_no_terminal = 15min <- host [defaults] host.toml:5
warn_before = [2min, 1min] <- managed all managed.toml:9
warn_before = [5min, 1min] <- host [defaults] host.toml:6
at_limit = end-idlest <- host contractors host.toml:15
message = {reason}: "no" \x5c more.\n\nAsk ägain. <- host contractors host.toml:16
)");
    // The managed tier has limits but does not set a mode. The host tier's mode then has no effect, so the value has no
    // source.
    const ExplainedSetting mode = setting_of(explanation, "mode");
    EXPECT_TEXT(mode.value, "enforce");
    EXPECT(mode.from == nullptr, "mode is not set");
}

SESSLIMIT_TEST(idle_settings_explained) {
    const Policy policy = policy_of(R"([defaults]
idle_timeout = "15min"
idle_activity = ["cpu", "input"]
keep = ["tmux", "screen"]
count_left_behind = true
message_of_end = "Bye.\nAsk the desk."
[[rule]]
name = "desktops"
match.user = "alice"
on_idle = "lock"
announce = false
quiet = true
limit_left_behind = true
idle_timeout_no_terminal = "unlimited"
idle_activity = ["output", "cpu", "input"]
)",
                                    "[defaults]\nkeep = [\"screen\", \"zellij\"]\nannounce = true\n");
    const Explanation explanation = explain(policy, alice);
    EXPECT_TEXT(settings(explanation), R"(idle_timeout = 15min <- host [defaults] host.toml:3
idle_timeout_no_terminal = unlimited <- host desktops host.toml:15
idle_activity = [input, output, cpu] <- host desktops host.toml:16
on_idle = lock <- host desktops host.toml:11
keep = [screen] <- host [defaults] host.toml:5
count_left_behind = true <- host [defaults] host.toml:6
limit_left_behind = true <- host desktops host.toml:14
announce = true <- managed [defaults] managed.toml:4
quiet = true <- host desktops host.toml:13
message_of_end = Bye.\nAsk the desk. <- host [defaults] host.toml:7
)");
    EXPECT_TEXT(rules(explanation), "host desktops host.toml:8: idle_timeout_no_terminal = unlimited, "
                                    "idle_activity = [input, output, cpu], on_idle = lock, limit_left_behind = true, "
                                    "announce = false, quiet = true (wins)\n");
}

SESSLIMIT_TEST(matching_rules_listed_with_winners) {
    const Policy policy = policy_of(rich_host, rich_managed);
    EXPECT_TEXT(
        rules(explain(policy, bob)),
        R"(managed all managed.toml:5: max_sessions_total = 1000, idle_timeout = unlimited, warn_before = [2min, 1min] (wins)
host contractors host.toml:10: max_sessions = 2, max_sessions_total = 50, at_limit = end-idlest, message = {reason}: "no" \x5c more.\n\nAsk ägain. (wins)
host interns host.toml:20: max_sessions = 5
host marker host.toml:24: mode = observe
)");
    EXPECT_TEXT(rules(explain(policy, oncall)),
                "managed all managed.toml:5: max_sessions_total = 1000, idle_timeout = unlimited, "
                "warn_before = [2min, 1min] (wins)\n");
}

SESSLIMIT_TEST(exempt_rule_wins_over_rules_of_its_tier) {
    const Policy policy = policy_of(R"([defaults]
warn_before = "1min"
message = "no"
[[rule]]
name = "strict"
match.uid = "0-"
max_sessions = 1
max_sessions_total = 1
warn_before = "3min"
message = "never"
[[rule]]
name = "root"
match.user = "root"
exempt = true
[[rule]]
name = "marker"
match.user = "root"
idle_timeout = "1h"
)",
                                    "[defaults]\nmax_sessions = 7\n");
    const Explanation explanation = explain(policy, root);
    EXPECT_TEXT(settings(explanation), "max_sessions = 7 <- managed [defaults] managed.toml:3\n");
    EXPECT_TEXT(
        rules(explanation),
        R"(host strict host.toml:5: max_sessions = 1, max_sessions_total = 1, warn_before = [3min], message = never
host root host.toml:12: exempt (wins)
host marker host.toml:16: idle_timeout = 1h
)");
}

SESSLIMIT_TEST(every_setting_makes_its_rule_win) {
    for (const char* setting : {"max_sessions = 1",
                                "max_sessions_total = 1",
                                "max_duration = \"1h\"",
                                "idle_timeout = \"1h\"",
                                "idle_timeout_no_terminal = \"1h\"",
                                "idle_activity = [\"input\", \"cpu\"]",
                                "on_idle = \"lock\"",
                                "keep = [\"tmux\"]",
                                "count_left_behind = true",
                                "limit_left_behind = true",
                                "announce = true",
                                "quiet = true",
                                "message_of_end = \"bye\"",
                                "max_sessions_fleet = 1",
                                "on_fleet_error = \"deny\"",
                                "warn_before = \"1min\"",
                                "warn_before = []",
                                "at_limit = \"end-oldest\"",
                                "mode = \"observe\"",
                                "message = \"no\"",
                                "exempt = true"}) {
        const Policy policy =
            policy_of("[[rule]]\nname = \"r\"\nmatch.user = \"alice\"\n" + std::string(setting) + '\n');
        const Explanation explanation = explain(policy, alice);
        EXPECT(explanation.rules.size() == 1 && explanation.rules[0].wins, setting);
        EXPECT(explanation.rules[0].sets != "nothing", setting);
    }
    const Policy policy = policy_of(R"([[rule]]
name = "r"
match.user = "alice"
max_sessions_total = "unlimited"
)");
    EXPECT(!explain(policy, alice).rules.at(0).wins, "a rule without a limit does not win");
}

SESSLIMIT_TEST(long_and_hostile_values_cut_and_escaped) {
    Policy policy = policy_of("[[rule]]\nname = \"r\"\nmatch.user = \"alice\"\nmessage = \"m\"\n");
    std::string& message = policy.host.rules.at(0).settings.message->value;
    message = std::string(1024, 'x');
    EXPECT_TEXT(setting_of(explain(policy, alice), "message").value, std::string(197, 'x') + "...");
    message.clear();
    for (int i = 0; i < 500; ++i) {
        message += "a\n";
    }
    const std::string value = setting_of(explain(policy, alice), "message").value;
    EXPECT(value.size() < 250 && value.starts_with("a\\na\\na") && value.ends_with("\\n..."), value);
    message = "\x1B[2J";
    EXPECT_TEXT(setting_of(explain(policy, alice), "message").value, "\\x1b[2J");
}

SESSLIMIT_TEST(counting_explained_with_reason) {
    const Policy shipped;
    const Policy own = policy_of("[defaults]\nmax_sessions = 1\nignore_services = [\"backup\"]\n"
                                 "[[rule]]\nname = \"r\"\nmatch.user = \"bob\"\nexempt = true\n",
                                 "[defaults]\nignore_services = \"other\"\n");
    Login nested = alice;
    nested.nested = true;
    struct Case {
        const Policy& policy;
        Login login;
        bool counts;
        const char* why;
    };
    const Case cases[] = {
        {shipped, alice, true, "sshd is not in ignore_services"},
        {shipped, nested, false, "the login is opened inside a session and is part of that session"},
        {shipped, through("cron"), false, "cron is in the built-in default of ignore_services"},
        {shipped, through("systemd-user"), false, "systemd-user starts the user manager, which is not a session"},
        {own, through("systemd-user"), false, "systemd-user starts the user manager, which is not a session"},
        {own, through("backup"), false, "backup is in ignore_services at host.toml:4"},
        {own, through("other"), false, "other is in ignore_services at managed.toml:3"},
        {own, through("cron"), true, "cron is not in ignore_services"},
        {own, bob, true, "sshd is not in ignore_services"},
        {own, through("\x1B[2J"), true, "\\x1b[2J is not in ignore_services"},
    };
    for (const Case& one : cases) {
        const Explanation explanation = explain(one.policy, one.login);
        EXPECT(explanation.counts == one.counts, one.why);
        EXPECT_TEXT(explanation.why, one.why);
    }
}

} // namespace
