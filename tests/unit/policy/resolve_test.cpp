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
        {"exempt, whatever rules follow",
         "[[rule]]\nname = \"x\"\nmatch.user = \"root\"\nexempt = true\n"
         "[[rule]]\nname = \"r\"\nmatch.user = \"root\"\nmax_sessions = 1\n",
         "", root, ""},
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

/// A rule of the host for whom `match` fits, over a default that holds for all others.
constexpr const char* rule_holds = "sessions=1@r:7 idle=15min@defaults:3";
constexpr const char* default_holds = "idle=15min@defaults:3";

void every_key_of_match() {
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

void shared_limits() {
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
        {"of several rules all hold", two, "", alice, "sessions=2@b:9 total=50@a:5 total=20@b:10"},
        {"none that matches", two, "", root, ""},
        {"zero is a value", "[[rule]]\nname = \"r\"\nmatch.uid = \"0-\"\nmax_sessions_total = 0\n", "", alice,
         "total=0@r:5"},
        {"equal ones are still two", two, "[[rule]]\nname = \"m\"\nmatch.uid = \"0-\"\nmax_sessions_total = 50\n",
         oncall, "total=50@managed/m:5 total=50@a:5"},
        {"a smaller one lifts no larger one", two,
         "[[rule]]\nname = \"m\"\nmatch.uid = \"0-\"\nmax_sessions_total = 1\n", oncall,
         "total=1@managed/m:5 total=50@a:5"},
        {"exempt from its own tier", both.c_str(),
         "[[rule]]\nname = \"m\"\nmatch.uid = \"0-\"\nmax_sessions_total = 7\n", alice, "total=7@managed/m:5"},
        {"... whoever else is counted", both.c_str(), "", oncall, "total=50@a:5"},
        {"exempt from the other tier", two, exempts, oncall, "total=50@a:5"},
        {"it is a limit that the other tier's mode does not put out of force", "[defaults]\nmode = \"observe\"\n",
         "[[rule]]\nname = \"m\"\nmatch.uid = \"0-\"\nmax_sessions_total = 7\n", alice, "total=7@managed/m:5"},
    });
}

void messages() {
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
        {"of [defaults]", host, "", root, "sessions=5@defaults:3 message=default@defaults:4"},
        {"a rule's takes the place of the default", host, "", oncall, "sessions=5@defaults:3 message=first@first:8"},
        {"beside the number that wins", host, "", alice, "sessions=2@strict:12 message=strict@strict:13"},
        {"the number that wins has none: the first rule's", host, "", bob,
         "sessions=1@strictest:17 message=first@first:8"},
        {"the tier's whose number wins", host, managed, oncall,
         "sessions=3@managed/defaults:3 message=managed@managed/defaults:4"},
        {"... be it the host", host, managed, alice, "sessions=2@strict:12 message=strict@strict:13"},
        {"no number: the first rule's, before any default",
         "[[rule]]\nname = \"r\"\nmatch.user = \"alice\"\nmessage = \"rule\"\n", "[defaults]\nmessage = \"managed\"\n",
         alice, "message=rule@r:5"},
        {"... of the managed tier first", "[[rule]]\nname = \"r\"\nmatch.user = \"alice\"\nmessage = \"rule\"\n",
         "[[rule]]\nname = \"m\"\nmatch.user = \"alice\"\nmessage = \"managed\"\n", alice,
         "message=managed@managed/m:5"},
        {"no rule: of the managed [defaults] first", "[defaults]\nmessage = \"host\"\n",
         "[defaults]\nmessage = \"managed\"\n", alice, "message=managed@managed/defaults:3"},
        {"unlimited is no number that denies",
         "[defaults]\nmax_sessions = \"unlimited\"\nmessage = \"host\"\n[[rule]]\nname = \"r\"\nmatch.user = "
         "\"alice\"\nmax_sessions = \"unlimited\"\nmessage = \"rule\"\n",
         "[defaults]\nmessage = \"managed\"\n[[rule]]\nname = \"m\"\nmatch.user = \"alice\"\nmax_sessions_total = 1\n"
         "message = \"total\"\n",
         alice, "sessions=unlimited@r:8 total=1@managed/m:7 message=total@managed/m:8"},
        {"an empty one is the built-in text", "[[rule]]\nname = \"r\"\nmatch.user = \"alice\"\nmessage = \"\"\n",
         "[defaults]\nmessage = \"managed\"\n", alice, "message=@r:5"},
        {"exempt from its own tier", "[defaults]\nmessage = \"host\"\n",
         "[defaults]\nmessage = \"managed\"\n[[rule]]\nname = \"m\"\nmatch.user = \"alice\"\nexempt = true\n", alice,
         "message=host@defaults:3"},
    });
}

void the_table_is_as_large_as_it_should_be() {
    EXPECT(cases_seen >= 60, std::to_string(cases_seen));
}

void drop_ins_replace_defaults_key_by_key() {
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
        SESSLIMIT_TEST(every_key_of_match),
        SESSLIMIT_TEST(shared_limits),
        SESSLIMIT_TEST(messages),
        SESSLIMIT_TEST(the_table_is_as_large_as_it_should_be),
        SESSLIMIT_TEST(drop_ins_replace_defaults_key_by_key),
        SESSLIMIT_TEST(what_counts),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
