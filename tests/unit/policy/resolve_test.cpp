// SPDX-License-Identifier: MIT
#include "daemon/policy/resolve.hpp"

#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/limits_text.hpp"
#include "tests/unit/support/policies.hpp"

namespace {

using namespace sesslimit;
using namespace sesslimit::policy;
using namespace sesslimit::test;

struct Case {
    const char* what;
    const char* host;
    const char* managed;
    Login login;
    const char* limits;
};

std::size_t cases_seen = 0;

void check(const std::vector<Case>& cases) {
    for (const Case& one : cases) {
        ++cases_seen;
        const Policy policy = policy_of(one.host, one.managed);
        const std::string limits = told(resolve(policy, one.login), policy);
        if (limits != one.limits) {
            print_error("case: %s\n", one.what);
        }
        EXPECT_TEXT(limits, one.limits);
    }
}

SESSLIMIT_TEST(policy_limits_fleet_if_a_table_does) {
    const std::string rule = "[[rule]]\nname = \"r\"\nmatch.user = \"alice\"\n";
    const std::string limit = "max_sessions_fleet = 1\n";
    EXPECT(!limits_fleet(policy_of("[defaults]\nmax_sessions = 1\non_fleet_error = \"deny\"\n", "")), "not set");
    EXPECT(!limits_fleet(policy_of("[defaults]\nmax_sessions_fleet = \"unlimited\"\n", "")), "unlimited");
    EXPECT(limits_fleet(policy_of("[defaults]\n" + limit, "")), "defaults");
    EXPECT(limits_fleet(policy_of(rule + limit, "")), "rule");
    EXPECT(limits_fleet(policy_of("", "[defaults]\n" + limit)), "managed");
    EXPECT(is_unlimited(resolve(policy_of("", ""), alice)), "no limit");
    EXPECT(!is_unlimited(resolve(policy_of("[defaults]\n" + limit, ""), alice)), "a limit of the fleet is a limit");
}

SESSLIMIT_TEST(defaults_and_unset_settings_resolved) {
    check({
        {"an empty policy sets no limits", "", "", alice, ""},
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
        {"a rule for another user", "[[rule]]\nname = \"r\"\nmatch.user = \"bob\"\nmax_sessions = 1\n", "", alice, ""},
        {"settings that the rule leaves unset come from the defaults", R"([defaults]
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
        {"... and not for other users", R"([defaults]
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

SESSLIMIT_TEST(strictest_setting_of_matching_rules_wins) {
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
        {"equal values: the earlier rule", R"([[rule]]
name = "a"
match.group = "staff"
idle_timeout = "15min"
[[rule]]
name = "b"
match.group = "contractors"
idle_timeout = "900s"
)",
         "", alice, "idle=15min@a:5"},
        {"deny before end-idlest", R"([[rule]]
name = "a"
match.group = "staff"
at_limit = "end-idlest"
[[rule]]
name = "b"
match.group = "contractors"
at_limit = "deny"
)",
         "", alice, "at_limit=deny@b:9"},
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

SESSLIMIT_TEST(exempt_rule_lifts_limits_of_its_tier) {
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
        {"other users are limited", rooted, "", alice,
         "sessions=1@strict:10 idle=5min@defaults:4 "
         "mode=observe@defaults:6 warn=1min"},
        {"exempt = false does not exempt", R"([[rule]]
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
        {"exempt despite later rules",
         "[[rule]]\nname = \"x\"\nmatch.user = \"root\"\nexempt = true\n"
         "[[rule]]\nname = \"r\"\nmatch.user = \"root\"\nmax_sessions = 1\n",
         "", root, ""},
        {"exempt in both", rooted,
         "[defaults]\nmax_sessions = 2\n[[rule]]\nname = \"x\"\nmatch.uid = 0\nexempt = true\n", root, ""},
    });
}

SESSLIMIT_TEST(stricter_tier_wins) {
    check({
        {"managed 8 h over host 12 h", "[defaults]\nmax_duration = \"12h\"\n", "[defaults]\nmax_duration = \"8h\"\n",
         alice, "duration=8h@managed/defaults:3"},
        {"host 8 h over managed 12 h", "[defaults]\nmax_duration = \"8h\"\n", "[defaults]\nmax_duration = \"12h\"\n",
         alice, "duration=8h@defaults:3"},
        {"managed removed", "[defaults]\nmax_duration = \"12h\"\n", "", alice, "duration=12h@defaults:3"},
        {"equal values: the managed tier", "[defaults]\nmax_duration = \"8h\"\n",
         "[defaults]\nmax_duration = \"480min\"\n", alice, "duration=8h@managed/defaults:3"},
        {"managed unlimited leaves the host limit", "[defaults]\nmax_duration = \"8h\"\n",
         "[defaults]\nmax_duration = \"unlimited\"\n", alice, "duration=8h@defaults:3"},
        {"each setting separately", "[defaults]\nmax_sessions = 3\nidle_timeout = \"30min\"\n",
         "[defaults]\nmax_sessions = 5\nidle_timeout = \"10min\"\n", alice,
         "sessions=3@defaults:3 idle=10min@managed/defaults:4"},
        {"a host rule cannot raise a managed default",
         "[[rule]]\nname = \"r\"\nmatch.user = \"alice\"\nmax_sessions = 9\n", "[defaults]\nmax_sessions = 3\n", alice,
         "sessions=3@managed/defaults:3"},
        {"a managed rule replaces only managed defaults", "[defaults]\nmax_sessions = 4\n",
         "[defaults]\nmax_sessions = 3\n[[rule]]\nname = \"r\"\nmatch.user = \"alice\"\nmax_sessions = 9\n", alice,
         "sessions=4@defaults:3"},
        {"warnings of both tiers", "[defaults]\nwarn_before = [\"5min\", \"1min\"]\n",
         "[defaults]\nwarn_before = \"10min\"\n", alice, "warn=10min,5min,1min"},
        {"stricter at_limit", "[defaults]\nat_limit = \"end-oldest\"\n", "[defaults]\nat_limit = \"end-idlest\"\n",
         alice, "at_limit=end-idlest@managed/defaults:3"},
        {"the longest displace_idle is the strictest", "[defaults]\ndisplace_idle = \"1min\"\n",
         "[defaults]\ndisplace_idle = \"5min\"\n", alice, "displace_idle=5min@managed/defaults:3"},
        {"the lowest fleet limit", "[defaults]\nmax_sessions_fleet = 5\non_fleet_error = \"deny\"\n",
         "[defaults]\nmax_sessions_fleet = 3\non_fleet_error = \"local\"\n", alice,
         "fleet=3@managed/defaults:3 on_fleet_error=deny@defaults:4"},
        {"a fleet limit is enforced unless its tier observes", "[defaults]\nmode = \"observe\"\n",
         "[defaults]\nmax_sessions_fleet = 3\n", alice, "fleet=3@managed/defaults:3"},
        {"a rule replaces the fleet limit of the defaults",
         "[defaults]\nmax_sessions_fleet = 1\n[[rule]]\nname = \"r\"\nmatch.user = \"alice\"\n"
         "max_sessions_fleet = \"unlimited\"\n",
         "", alice, "fleet=unlimited@r:7"},
        {"observe in both", "[defaults]\nmax_sessions = 3\nmode = \"observe\"\n", "[defaults]\nmode = \"observe\"\n",
         alice, "sessions=3@defaults:3 mode=observe@managed/defaults:3"},
        {"observe against enforce", "[defaults]\nmode = \"observe\"\n", "[defaults]\nmode = \"enforce\"\n", alice,
         "mode=enforce@managed/defaults:3"},
        {"the host tier cannot reduce managed limits to observe", "[defaults]\nmode = \"observe\"\n",
         "[defaults]\nmax_sessions = 3\n", alice, "sessions=3@managed/defaults:3"},
        {"observing in the tier that limits", "", "[defaults]\nmax_sessions = 3\nmode = \"observe\"\n", alice,
         "sessions=3@managed/defaults:3 mode=observe@managed/defaults:4"},
        {"managed observe mode does not disable the host's limits", "[defaults]\nmax_sessions = 3\n",
         "[defaults]\nidle_timeout = \"5min\"\nmode = \"observe\"\n", alice,
         "sessions=3@defaults:3 idle=5min@managed/defaults:3"},
    });
}

/// Limits if the rule matches, or if only the defaults apply.
constexpr const char* rule_holds = "sessions=1@r:7 idle=15min@defaults:3";
constexpr const char* default_holds = "idle=15min@defaults:3";

SESSLIMIT_TEST(every_match_key_selects_rule) {
    struct Row {
        const char* match;
        Login login;
        bool fits;
    };
    const std::string print = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
    const std::vector<Row> rows = {
        {R"(match.user = ["alice", "carol"])", alice, true},
        {R"(match.user = "!alice")", alice, false},
        {R"(match.uid = "1000-1999")", with_uid(1999), true},
        {R"(match.uid = "1000-1999")", with_uid(2000), false},
        {R"(match.uid = ["1000-", "!1500-1600"])", with_uid(1550), false},
        {R"(match.uid = ["1000-", "!1500-1600"])", with_uid(1601), true},
        {R"(match.group = ["contractors", "!interns"])", bob, false},
        {R"(match.service = "!sshd")", through("gdm-password"), true},
        {R"(match.origin = ["10.0.0.0/8", "!10.2.0.0/16"])", from("10.2.3.4"), false},
        {R"(match.origin = ["10.0.0.0/8", "!10.2.0.0/16"])", from("10.3.3.4"), true},
        {R"(match.origin = ["!10.0.0.0/8"])", from("2001:db8::1"), true},
        {R"(match.origin = "2001:db8::/32")", from("2001:db8:7::1"), true},
        {R"(match.origin = "2001:db8::/32")", from("2001:db9::1"), false},
        {R"(match.origin = ["2001:db8::/32", "!2001:db8:bad::/48"])", from("2001:db8:bad::1"), false},
        {R"(match.origin = "10.0.0.0/8")", from("::ffff:10.1.2.3"), true},
        {R"(match.origin = "gate.example.org")", from("Gate.example.org"), true},
        {R"(match.origin = ["*.example.org", "!bad.example.org"])", from("bad.example.org"), false},
        {R"(match.origin = "local")", at_seat(""), true},
        {R"(match.origin = "local")", alice, false},
        {R"(match.seat = "seat0")", at_seat("seat0"), true},
        {R"(match.seat = "!seat0")", at_seat("seat0"), false},
        {R"(match.method = "password")", by("password"), true},
        {R"(match.method = "!publickey")", alice, false},
        {R"(match.credential = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU")", by("publickey", print), true},
        {R"(match.credential = "!SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU")", by("publickey", print), false},
        {R"(match.credential = "cert-id:deploy")", certified("deploy", print), true},
        {R"(match.credential = "cert-id:deploy")", certified("other", print), false},
        {R"(match.credential = "ca:SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU")", certified("x", print), true},
        {R"(match.credential = "!ca:SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU")", certified("x", print),
         false},
        {R"(match = { user = "alice", method = "password" })", alice, false},
        {R"(match = { user = "alice", method = "publickey", origin = "10.0.0.0/8" })", alice, true},
    };
    for (const Row& row : rows) {
        const std::string host = "[defaults]\nidle_timeout = \"15min\"\n[[rule]]\nname = \"r\"\n" +
                                 std::string(row.match) + "\nmax_sessions = 1\n";
        check({{row.match, host.c_str(), "", row.login, row.fits ? rule_holds : default_holds}});
    }
}

SESSLIMIT_TEST(shared_limits_resolved) {
    constexpr const char* two = R"([[rule]]
name = "a"
match.group = "staff"
max_sessions_total = 50
[[rule]]
name = "b"
match.group = "contractors"
max_sessions = 2
max_sessions_total = 20
[[rule]]
name = "none"
match.group = "staff"
max_sessions_total = "unlimited"
)";
    constexpr const char* exempts = "[[rule]]\nname = \"x\"\nmatch.user = \"alice\"\nexempt = true\n";
    const std::string both = two + std::string(exempts);
    check({
        {"one rule", two, "", oncall, "total=50@a:5"},
        {"all of several rules apply", two, "", alice, "sessions=2@b:9 total=50@a:5 total=20@b:10"},
        {"no matching rule", two, "", root, ""},
        {"zero is a value", "[[rule]]\nname = \"r\"\nmatch.uid = \"0-\"\nmax_sessions_total = 0\n", "", alice,
         "total=0@r:5"},
        {"equal limits remain separate", two, "[[rule]]\nname = \"m\"\nmatch.uid = \"0-\"\nmax_sessions_total = 50\n",
         oncall, "total=50@managed/m:5 total=50@a:5"},
        {"a smaller limit does not lift a larger one", two,
         "[[rule]]\nname = \"m\"\nmatch.uid = \"0-\"\nmax_sessions_total = 1\n", oncall,
         "total=1@managed/m:5 total=50@a:5"},
        {"exempt from its own tier", both.c_str(),
         "[[rule]]\nname = \"m\"\nmatch.uid = \"0-\"\nmax_sessions_total = 7\n", alice, "total=7@managed/m:5"},
        {"... but not other users", both.c_str(), "", oncall, "total=50@a:5"},
        {"exempt from the other tier", two, exempts, oncall, "total=50@a:5"},
        {"the other tier's observe mode does not disable it", "[defaults]\nmode = \"observe\"\n",
         "[[rule]]\nname = \"m\"\nmatch.uid = \"0-\"\nmax_sessions_total = 7\n", alice, "total=7@managed/m:5"},
    });
}

SESSLIMIT_TEST(message_resolved_from_deciding_rule) {
    constexpr const char* host = R"([defaults]
max_sessions = 5
message = "default"
[[rule]]
name = "first"
match.group = "staff"
message = "first"
[[rule]]
name = "strict"
match.user = "alice"
max_sessions = 2
message = "strict"
[[rule]]
name = "strictest"
match.user = "bob"
max_sessions = 1
)";
    constexpr const char* managed = "[defaults]\nmax_sessions = 3\nmessage = \"managed\"\n";
    check({
        {"from [defaults]", host, "", root, "sessions=5@defaults:3 message=default@defaults:4"},
        {"a rule's message replaces the default", host, "", oncall, "sessions=5@defaults:3 message=first@first:8"},
        {"from the rule whose number wins", host, "", alice, "sessions=2@strict:12 message=strict@strict:13"},
        {"the winning rule has no message: the first rule's message", host, "", bob,
         "sessions=1@strictest:17 message=first@first:8"},
        {"from the tier whose number wins", host, managed, oncall,
         "sessions=3@managed/defaults:3 message=managed@managed/defaults:4"},
        {"... also the host tier", host, managed, alice, "sessions=2@strict:12 message=strict@strict:13"},
        {"no number: the first rule's message, before any default",
         "[[rule]]\nname = \"r\"\nmatch.user = \"alice\"\nmessage = \"rule\"\n", "[defaults]\nmessage = \"managed\"\n",
         alice, "message=rule@r:5"},
        {"... the managed tier first", "[[rule]]\nname = \"r\"\nmatch.user = \"alice\"\nmessage = \"rule\"\n",
         "[[rule]]\nname = \"m\"\nmatch.user = \"alice\"\nmessage = \"managed\"\n", alice,
         "message=managed@managed/m:5"},
        {"no rule: the managed [defaults] first", "[defaults]\nmessage = \"host\"\n",
         "[defaults]\nmessage = \"managed\"\n", alice, "message=managed@managed/defaults:3"},
        {"unlimited does not count as a number",
         "[defaults]\nmax_sessions = \"unlimited\"\nmessage = \"host\"\n[[rule]]\nname = \"r\"\nmatch.user = "
         "\"alice\"\nmax_sessions = \"unlimited\"\nmessage = \"rule\"\n",
         "[defaults]\nmessage = \"managed\"\n[[rule]]\nname = \"m\"\nmatch.user = \"alice\"\nmax_sessions_total = 1\n"
         "message = \"total\"\n",
         alice, "sessions=unlimited@r:8 total=1@managed/m:7 message=total@managed/m:8"},
        {"an empty message selects the built-in text",
         "[[rule]]\nname = \"r\"\nmatch.user = \"alice\"\nmessage = \"\"\n", "[defaults]\nmessage = \"managed\"\n",
         alice, "message=@r:5"},
        {"exempt from its own tier", "[defaults]\nmessage = \"host\"\n",
         "[defaults]\nmessage = \"managed\"\n[[rule]]\nname = \"m\"\nmatch.user = \"alice\"\nexempt = true\n", alice,
         "message=host@defaults:3"},
    });
}

SESSLIMIT_TEST(table_has_expected_size) {
    EXPECT(cases_seen >= 60, std::to_string(cases_seen));
}

SESSLIMIT_TEST(drop_ins_override_defaults_per_key) {
    FakeNames names;
    const Loaded loaded = load({{"a.toml", Tier::host, R"(version = 1
[defaults]
max_sessions = 3
idle_timeout = "5min"
ignore_services = ["a"]
message = "a"
[[rule]]
name = "r"
match.user = "alice"
max_duration = "8h"
)"},
                                {"b.toml", Tier::host, R"(version = 1
[defaults]
max_sessions = 9
ignore_services = ["b"]
message = "b"
[[rule]]
name = "s"
match.user = "alice"
max_duration = "4h"
)"}},
                               names);
    EXPECT(loaded.policy.has_value(), "loads");
    const Policy& policy = *loaded.policy;
    EXPECT_TEXT(told(resolve(policy, alice), policy),
                "sessions=9@defaults:3 duration=4h@s:9 idle=5min@defaults:4 message=b@defaults:5");
    const Limits limits = resolve(policy, alice);
    EXPECT_TEXT(policy.sources.at(static_cast<std::size_t>(limits.max_sessions.from)).file, "b.toml");
    EXPECT_TEXT(policy.sources.at(static_cast<std::size_t>(limits.idle_timeout.from)).file, "a.toml");
    EXPECT(policy.sources.at(static_cast<std::size_t>(limits.max_duration.from)).line == 6, "line of [[rule]]");
    EXPECT(counts(policy, through("a")) && !counts(policy, through("b")), "ignore_services");
}

SESSLIMIT_TEST(ignored_services_and_nested_logins_not_counted) {
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
    EXPECT(counts(own, through("cron")), "a configured list replaces the built-in one");
    EXPECT(!counts(own, through("systemd-user")), "the user manager never counts");
    const Policy none = policy_of("[defaults]\nignore_services = []\n");
    EXPECT(counts(none, through("su")), "su");
    EXPECT(!counts(none, through("systemd-user")), "the user manager never counts");
    const Policy both = policy_of("[defaults]\nignore_services = \"a\"\n", "[defaults]\nignore_services = \"b\"\n");
    EXPECT(!counts(both, through("a")) && !counts(both, through("b")) && counts(both, through("c")), "either tier");
}

} // namespace
