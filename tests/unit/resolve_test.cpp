// SPDX-License-Identifier: MIT
#include "daemon/policy/resolve.hpp"

#include "common/duration.hpp"
#include "tests/unit/cmocka.hpp"
#include "tests/unit/policies.hpp"

namespace {

using namespace sesslimit;
using namespace sesslimit::policy;
using namespace sesslimit::test;

/// Where a setting came from: "[TIER/]RULE:LINE", as in "managed/defaults:3"; nothing where nobody set it.
template <class T>
std::string origin(const Setting<T>& setting, const Policy& policy) {
    if (setting.from == SourceId::nowhere) {
        return "";
    }
    const Source& source = policy.sources.at(static_cast<std::size_t>(setting.from));
    return std::string("@") + (source.tier == Tier::managed ? "managed/" : "") +
           (source.rule.empty() ? "defaults" : source.rule) + ':' + std::to_string(setting.line);
}

/// Every setting that is not as where nobody sets anything, in one line.
std::string told(const Limits& limits, const Policy& policy) {
    std::string text;
    const auto add = [&](std::string_view name, const std::string& value, const std::string& from, bool say) {
        if (say || !from.empty()) {
            text += (text.empty() ? "" : " ") + std::string(name) + '=' + value + from;
        }
    };
    constexpr std::string_view at_limit[] = {"refuse", "end-idlest", "end-oldest"};
    const Count count = limits.max_sessions.value;
    add("sessions", count == unlimited_count ? "unlimited" : std::to_string(count), origin(limits.max_sessions, policy),
        count != unlimited_count);
    add("duration", format_span(limits.max_duration.value), origin(limits.max_duration, policy),
        limits.max_duration.value != unlimited_span);
    add("idle", format_span(limits.idle_timeout.value), origin(limits.idle_timeout, policy),
        limits.idle_timeout.value != unlimited_span);
    add("at_limit", std::string(at_limit[static_cast<std::size_t>(limits.at_limit.value)]),
        origin(limits.at_limit, policy), limits.at_limit.value != AtLimit::refuse);
    add("mode", limits.mode.value == Mode::enforce ? "enforce" : "observe", origin(limits.mode, policy),
        limits.mode.value != Mode::enforce);
    std::string warnings;
    for (const Span span : limits.warn_before) {
        warnings += (warnings.empty() ? "" : ",") + format_span(span);
    }
    add("warn", warnings, "", !warnings.empty());
    return text;
}

struct Case {
    const char* what;
    const char* host;
    const char* managed;
    Login login;
    const char* limits;
};

void check(const std::vector<Case>& cases) {
    for (const Case& one : cases) {
        const Policy policy = policy_of(one.host, one.managed);
        const std::string limits = told(resolve(policy, one.login), policy);
        if (limits != one.limits) {
            print_error("case: %s\n", one.what);
        }
        EXPECT_TEXT(limits, one.limits);
    }
}

void defaults_and_what_is_unset() {
    check({
        {"an empty policy limits nobody", "", "", alice, ""},
        {"an empty [defaults]", "[defaults]\n", "", alice, ""},
        {"every default", R"([defaults]
max_sessions = 3
max_duration = "12h"
idle_timeout = "15min"
warn_before = ["1min", "5min", "60s"]
at_limit = "end-oldest"
mode = "observe"
)",
         "", alice,
         "sessions=3@defaults:3 duration=12h@defaults:4 idle=15min@defaults:5 at_limit=end-oldest@defaults:7 "
         "mode=observe@defaults:8 warn=5min,1min"},
        {"unlimited is a value", "[defaults]\nmax_sessions = \"unlimited\"\nmax_duration = \"unlimited\"\n", "", alice,
         "sessions=unlimited@defaults:3 duration=unlimited@defaults:4"},
        {"zero is a value", "[[rule]]\nname = \"r\"\nmatch.user = \"alice\"\nmax_sessions = 0\n", "", alice,
         "sessions=0@r:5"},
        {"a rule for somebody else", "[[rule]]\nname = \"r\"\nmatch.user = \"bob\"\nmax_sessions = 1\n", "", alice, ""},
        {"what the rule leaves unset falls to defaults", R"([defaults]
max_sessions = 3
idle_timeout = "15min"
[[rule]]
name = "r"
match.user = "alice"
max_sessions = 1
)",
         "", alice, "sessions=1@r:8 idle=15min@defaults:4"},
        {"a rule raises a default for one user", R"([defaults]
max_sessions = 3
[[rule]]
name = "r"
match.user = "alice"
max_sessions = 9
)",
         "", alice, "sessions=9@r:7"},
        {"... and for nobody else", R"([defaults]
max_sessions = 3
[[rule]]
name = "r"
match.user = "alice"
max_sessions = 9
)",
         "", bob, "sessions=3@defaults:3"},
        {"a rule lifts a default", R"([defaults]
idle_timeout = "15min"
[[rule]]
name = "r"
match.user = "alice"
idle_timeout = "unlimited"
)",
         "", alice, "idle=unlimited@r:7"},
        {"an empty list lifts the default warnings", R"([defaults]
warn_before = "5min"
[[rule]]
name = "r"
match.user = "alice"
warn_before = []
)",
         "", alice, ""},
    });
}

constexpr const char* two_groups = R"([[rule]]
name = "contractors"
match.group = "contractors"
max_sessions = 5
max_duration = "8h"
idle_timeout = "30min"
warn_before = ["10min", "5min"]
at_limit = "end-oldest"
mode = "observe"
[[rule]]
name = "interns"
match.group = "interns"
max_sessions = 2
max_duration = "unlimited"
idle_timeout = "15min"
warn_before = ["5min", "1min"]
at_limit = "end-idlest"
mode = "enforce"
)";

void strictest_of_all_rules() {
    check({
        {"one group", two_groups, "", alice,
         "sessions=5@contractors:5 duration=8h@contractors:6 idle=30min@contractors:7 "
         "at_limit=end-oldest@contractors:9 "
         "mode=observe@contractors:10 warn=10min,5min"},
        {"two groups: the strictest of each setting", two_groups, "", bob,
         "sessions=2@interns:14 duration=8h@contractors:6 idle=15min@interns:16 at_limit=end-idlest@interns:18 "
         "mode=enforce@interns:19 warn=10min,5min,1min"},
        {"the order of rules does not matter", R"([[rule]]
name = "a"
match.group = "staff"
idle_timeout = "15min"
[[rule]]
name = "b"
match.group = "contractors"
idle_timeout = "30min"
)",
         "", alice, "idle=15min@a:5"},
        {"of equals the earlier one", R"([[rule]]
name = "a"
match.group = "staff"
idle_timeout = "15min"
[[rule]]
name = "b"
match.group = "contractors"
idle_timeout = "900s"
)",
         "", alice, "idle=15min@a:5"},
        {"refuse before end-idlest", R"([[rule]]
name = "a"
match.group = "staff"
at_limit = "end-idlest"
[[rule]]
name = "b"
match.group = "contractors"
at_limit = "refuse"
)",
         "", alice, "at_limit=refuse@b:9"},
        {"unlimited is the least strict", R"([[rule]]
name = "a"
match.group = "staff"
max_sessions = "unlimited"
[[rule]]
name = "b"
match.group = "contractors"
max_sessions = 1000000
)",
         "", alice, "sessions=1000000@b:9"},
        {"a looser rule does not lift a stricter one", R"([defaults]
max_sessions = 10
[[rule]]
name = "a"
match.user = "alice"
max_sessions = 9
[[rule]]
name = "b"
match.group = "staff"
max_sessions = 4
)",
         "", alice, "sessions=4@b:11"},
    });
}

void exemptions() {
    constexpr const char* rooted = R"([defaults]
max_sessions = 3
idle_timeout = "5min"
warn_before = "1min"
mode = "observe"
[[rule]]
name = "strict"
match.uid = "0-"
max_sessions = 1
[[rule]]
name = "root"
match.user = ["root", "oncall"]
exempt = true
)";
    check({
        {"exempt lifts rules and defaults", rooted, "", root, ""},
        {"whoever else is limited", rooted, "", alice,
         "sessions=1@strict:10 idle=5min@defaults:4 "
         "mode=observe@defaults:6 warn=1min"},
        {"exempt = false exempts nobody", R"([[rule]]
name = "r"
match.user = "root"
exempt = false
max_sessions = 1
)",
         "", root, "sessions=1@r:6"},
        {"exempt in the host tier leaves the managed one", rooted, "[defaults]\nmax_sessions = 7\n", root,
         "sessions=7@managed/defaults:3"},
        {"exempt in the managed tier leaves the host one", rooted,
         "[defaults]\nmax_sessions = 2\n[[rule]]\nname = \"x\"\nmatch.user = \"alice\"\nexempt = true\n", alice,
         "sessions=1@strict:10 idle=5min@defaults:4 mode=observe@defaults:6 warn=1min"},
        {"exempt in both", rooted,
         "[defaults]\nmax_sessions = 2\n[[rule]]\nname = \"x\"\nmatch.uid = 0\nexempt = true\n", root, ""},
    });
}

void two_tiers() {
    check({
        {"managed 8 h over host 12 h", "[defaults]\nmax_duration = \"12h\"\n", "[defaults]\nmax_duration = \"8h\"\n",
         alice, "duration=8h@managed/defaults:3"},
        {"host 8 h over managed 12 h", "[defaults]\nmax_duration = \"8h\"\n", "[defaults]\nmax_duration = \"12h\"\n",
         alice, "duration=8h@defaults:3"},
        {"managed removed", "[defaults]\nmax_duration = \"12h\"\n", "", alice, "duration=12h@defaults:3"},
        {"of equals the managed one", "[defaults]\nmax_duration = \"8h\"\n", "[defaults]\nmax_duration = \"480min\"\n",
         alice, "duration=8h@managed/defaults:3"},
        {"managed unlimited leaves the host's", "[defaults]\nmax_duration = \"8h\"\n",
         "[defaults]\nmax_duration = \"unlimited\"\n", alice, "duration=8h@defaults:3"},
        {"each setting for itself", "[defaults]\nmax_sessions = 3\nidle_timeout = \"30min\"\n",
         "[defaults]\nmax_sessions = 5\nidle_timeout = \"10min\"\n", alice,
         "sessions=3@defaults:3 idle=10min@managed/defaults:4"},
        {"a host rule cannot raise a managed default",
         "[[rule]]\nname = \"r\"\nmatch.user = \"alice\"\nmax_sessions = 9\n", "[defaults]\nmax_sessions = 3\n", alice,
         "sessions=3@managed/defaults:3"},
        {"a managed rule takes the place of managed defaults alone", "[defaults]\nmax_sessions = 4\n",
         "[defaults]\nmax_sessions = 3\n[[rule]]\nname = \"r\"\nmatch.user = \"alice\"\nmax_sessions = 9\n", alice,
         "sessions=4@defaults:3"},
        {"warnings of both", "[defaults]\nwarn_before = [\"5min\", \"1min\"]\n",
         "[defaults]\nwarn_before = \"10min\"\n", alice, "warn=10min,5min,1min"},
        {"at_limit of the stricter", "[defaults]\nat_limit = \"end-oldest\"\n",
         "[defaults]\nat_limit = \"end-idlest\"\n", alice, "at_limit=end-idlest@managed/defaults:3"},
        {"observe in both", "[defaults]\nmax_sessions = 3\nmode = \"observe\"\n", "[defaults]\nmode = \"observe\"\n",
         alice, "sessions=3@defaults:3 mode=observe@managed/defaults:3"},
        {"observe against enforce", "[defaults]\nmode = \"observe\"\n", "[defaults]\nmode = \"enforce\"\n", alice,
         "mode=enforce@managed/defaults:3"},
        {"the host cannot have managed limits observed only", "[defaults]\nmode = \"observe\"\n",
         "[defaults]\nmax_sessions = 3\n", alice, "sessions=3@managed/defaults:3"},
        {"observing in the tier that limits", "", "[defaults]\nmax_sessions = 3\nmode = \"observe\"\n", alice,
         "sessions=3@managed/defaults:3 mode=observe@managed/defaults:4"},
        {"what the managed tier observes does not put the host's limits out of force", "[defaults]\nmax_sessions = 3\n",
         "[defaults]\nidle_timeout = \"5min\"\nmode = \"observe\"\n", alice,
         "sessions=3@defaults:3 idle=5min@managed/defaults:3"},
    });
}

void drop_ins_replace_defaults_key_by_key() {
    FakeNames names;
    const Loaded loaded = load({{"a.toml", Tier::host, R"(version = 1
[defaults]
max_sessions = 3
idle_timeout = "5min"
ignore_services = ["a"]
[[rule]]
name = "r"
match.user = "alice"
max_duration = "8h"
)"},
                                {"b.toml", Tier::host, R"(version = 1
[defaults]
max_sessions = 9
ignore_services = ["b"]
[[rule]]
name = "s"
match.user = "alice"
max_duration = "4h"
)"}},
                               names);
    EXPECT(loaded.policy.has_value(), "loads");
    const Policy& policy = *loaded.policy;
    EXPECT_TEXT(told(resolve(policy, alice), policy), "sessions=9@defaults:3 duration=4h@s:8 idle=5min@defaults:4");
    const Limits limits = resolve(policy, alice);
    EXPECT_TEXT(policy.sources.at(static_cast<std::size_t>(limits.max_sessions.from)).file, "b.toml");
    EXPECT_TEXT(policy.sources.at(static_cast<std::size_t>(limits.idle_timeout.from)).file, "a.toml");
    EXPECT(policy.sources.at(static_cast<std::size_t>(limits.max_duration.from)).line == 5, "line of [[rule]]");
    EXPECT(counts(policy, through("a")) && !counts(policy, through("b")), "ignore_services");
}

void what_counts() {
    const Policy empty;
    Login nested = alice;
    nested.nested = true;
    EXPECT(counts(empty, alice), "ssh");
    EXPECT(counts(empty, through("login")), "console");
    EXPECT(!counts(empty, nested), "nested");
    for (const char* service : {"su", "su-l", "sudo", "sudo-i", "runuser", "runuser-l", "cron", "crond", "atd",
                                "systemd-user", "polkit-1", "swaylock"}) {
        EXPECT(!counts(empty, through(service)), service);
    }
    const Policy own = policy_of("[defaults]\nignore_services = [\"backup\"]\n");
    EXPECT(!counts(own, through("backup")), "backup");
    EXPECT(counts(own, through("cron")), "a list takes the place of the shipped one");
    EXPECT(!counts(own, through("systemd-user")), "the user manager never counts");
    const Policy none = policy_of("[defaults]\nignore_services = []\n");
    EXPECT(counts(none, through("su")), "su");
    EXPECT(!counts(none, through("systemd-user")), "the user manager never counts");
    const Policy both = policy_of("[defaults]\nignore_services = \"a\"\n", "[defaults]\nignore_services = \"b\"\n");
    EXPECT(!counts(both, through("a")) && !counts(both, through("b")) && counts(both, through("c")), "either tier");
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(defaults_and_what_is_unset),
        SESSLIMIT_TEST(strictest_of_all_rules),
        SESSLIMIT_TEST(exemptions),
        SESSLIMIT_TEST(two_tiers),
        SESSLIMIT_TEST(drop_ins_replace_defaults_key_by_key),
        SESSLIMIT_TEST(what_counts),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
