// SPDX-License-Identifier: MIT
#include "ctl/commands/policy_keys.hpp"
#include "ctl/output/settings.hpp"
#include "daemon/policy/read.hpp"
#include "tests/ctl/schema.hpp"
#include "tests/ctl/set_bench.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

using namespace sesslimit;
using namespace sesslimit::ctl;
using namespace sesslimit::test;

namespace {

const std::string head = "# Settings that \"sesslimitctl set\" has made. See sesslimitctl(1).\nversion = 1\n";

SESSLIMIT_TEST(set_writes_a_new_file_and_reloads) {
    SetBench bench;
    bench.set({"max_duration=8h", "max_sessions=3"});
    EXPECT(bench.exit == Exit::ok && bench.remote.reloads == 1, bench.complaints);
    EXPECT_TEXT(bench.text(), head + "\n[defaults]\nmax_duration = \"8h\"\nmax_sessions = 3\n");
    EXPECT_TEXT(bench.printed, "max_duration = \"8h\" in [defaults]: in effect\n"
                               "max_sessions = 3 in [defaults]: in effect\n");
    bench.set({"max_duration=12h", "max_sessions=3"});
    EXPECT_TEXT(bench.printed, "max_duration = \"12h\" in [defaults] (was \"8h\"): in effect\n"
                               "max_sessions = 3 in [defaults] (unchanged): in effect\n");
    bench.set({"max_sessions=3"});
    EXPECT(bench.exit == Exit::ok && bench.remote.reloads == 2, "an unchanged file is not reloaded");
}

/// These values are offered for completion.
SESSLIMIT_TEST(example_values_of_each_key_are_valid) {
    SetBench bench;
    bench.request.dry_run = true;
    std::size_t keys = 0;
    for (const bool of_rule : {false, true}) {
        bench.request.rule = of_rule ? "a" : "";
        bench.request.match = of_rule ? std::vector<std::string>{"user=alice"} : std::vector<std::string>{};
        for (const std::string_view key : settable_keys(of_rule)) {
            const auto values = policy::example_values(key);
            for (const std::string& value : values) {
                bench.set({std::string(key) + '=' + value});
                EXPECT(bench.exit == Exit::ok, bench.complaints);
            }
            keys += values.empty() ? 0U : 1U;
        }
    }
    EXPECT(keys > policy::setting_keys().size(), std::to_string(keys));
}

SESSLIMIT_TEST(set_shows_the_effect) {
    SetBench bench;
    bench.directory.write("managed.d/10.toml", "version = 1\n[defaults]\nmax_duration = \"8h\"\nmessage = \"m\"\n");
    bench.directory.write("policy.toml",
                          "version = 1\n[[rule]]\nname = \"a\"\nmatch.user = \"alice\"\nat_limit = \"end-oldest\"\n");
    bench.directory.write("policy.d/zz.toml", "version = 1\n[defaults]\nquiet = true\n");
    bench.set({"max_duration=12h", "quiet=false", "message=x", "at_limit=deny", "mode=observe"});
    EXPECT_TEXT(bench.printed,
                "max_duration = \"12h\" in [defaults]: set, but managed.d/10.toml:3 is stricter: 8h applies\n"
                "quiet = false in [defaults]: set, but policy.d/zz.toml:3 comes later: true applies\n"
                "message = \"x\" in [defaults]: set, but managed.d/10.toml:4 takes precedence: m applies\n"
                "at_limit = \"deny\" in [defaults]: in effect\n"
                "  rule \"a\" (policy.toml:5) sets end-oldest for the logins that it matches\n"
                "mode = \"observe\" in [defaults]: set, but a tier sets limits without a mode: enforce applies\n");
    bench.unset({"max_duration", "keep", "quiet"});
    EXPECT_TEXT(bench.printed,
                "max_duration removed from [defaults] (was \"12h\"): 8h applies, set by managed.d/10.toml:3\n"
                "keep is not set in [defaults]: [] applies, the built-in default\n"
                "quiet removed from [defaults] (was false): true applies, set by policy.d/zz.toml:3\n");
}

SESSLIMIT_TEST(rule_is_created_changed_and_removed) {
    SetBench bench;
    bench.request.rule = "ops";
    bench.set({"max_sessions=9"});
    EXPECT(bench.exit == Exit::failed && contains(bench.complaints, "rule \"ops\" does not exist; add --match"),
           bench.complaints);
    bench.request.match = {"group=staff", "service=[\"sshd\"]"};
    bench.set({"max_sessions=9"});
    EXPECT_TEXT(bench.text(), head + "\n[[rule]]\nname = \"ops\"\nmatch.group = \"staff\"\nmatch.service = [\"sshd\"]\n"
                                     "max_sessions = 9\n");
    bench.request.match = {};
    bench.set({"exempt=true", "max_sessions=8"});
    EXPECT(contains(bench.complaints, "warning: settings have no effect in a rule with exempt = true"),
           bench.complaints);
    bench.request.match = {"service"};
    bench.unset({"exempt"});
    EXPECT(contains(bench.text(), "match.group = \"staff\"\nmax_sessions = 8\n") && !contains(bench.text(), "exempt"),
           bench.text());
    bench.request.match = {"group"};
    bench.unset({});
    EXPECT(bench.exit == Exit::failed && contains(bench.complaints, "rule has no keys under match"), bench.complaints);
    bench.request.match = {};
    bench.unset({});
    EXPECT_TEXT(bench.printed, "rule \"ops\" removed from policy.d/90-set.toml\n");
    EXPECT_TEXT(bench.text(), head);
    bench.unset({});
    EXPECT(bench.exit == Exit::failed && contains(bench.complaints, "rule \"ops\" is not in policy.d/90-set.toml"),
           bench.complaints);
}

SESSLIMIT_TEST(rule_of_another_file_is_refused) {
    for (const char* other : {"policy.toml", "managed.d/1.toml", "policy.d/zz.toml"}) {
        SetBench bench;
        bench.directory.write(other, "version = 1\n\n[[rule]]\nname = \"ops\"\nmatch.user = \"alice\"\n");
        bench.request.rule = "ops";
        bench.request.match = {"user=bob"};
        bench.set({"max_sessions=9"});
        EXPECT_TEXT(bench.complaints,
                    "rule \"ops\" is in another file; change it there: " + std::string(other) + ":3\n");
        EXPECT(bench.exit == Exit::failed && bench.text() == "-" && bench.remote.reloads == 0, other);
    }
}

SESSLIMIT_TEST(mistakes_change_nothing) {
    struct Mistake {
        std::vector<std::string> words;
        const char* complaint;
        Exit exit = Exit::failed;
    };
    const Mistake mistakes[] = {
        {{"max_sesions=3"}, "unknown key \"max_sesions\" in [defaults]; did you mean \"max_sessions\"?"},
        {{"exempt=true"}, "misplaced key \"exempt\" in [defaults]; the key belongs in a [[rule]]"},
        {{"match.user=a"}, "unknown key \"match.user\""},
        {{"max_sessions"}, "max_sessions needs a value; write max_sessions=VALUE"},
        {{"max_sessions=-1"}, "policy.d/90-set.toml:5:16: error: max_sessions is out of range"},
        {{"max_duration=soon"}, "policy.d/90-set.toml:5:17: error: expected a number"},
        {{"keep=[1.5]"}, "keep: expected a number, a string, a boolean or an array of these"},
        {{"keep=["}, "keep: not valid TOML"},
        {{"quiet=true", "quiet=false"}, "quiet is given twice", Exit::usage},
        {{"\033[2J=1"}, "unknown key \"\\x1b[2J\" in [defaults]"},
        {{"message=\xff"}, "message: not valid UTF-8"},
        {{}, "no key is given", Exit::usage},
    };
    for (const Mistake& mistake : mistakes) {
        SetBench bench;
        bench.set(mistake.words);
        EXPECT(contains(bench.complaints, mistake.complaint), bench.complaints);
        EXPECT(bench.exit == mistake.exit && bench.remote.reloads == 0 && bench.host.logged.empty(), mistake.complaint);
        EXPECT_TEXT(bench.text(), "-");
        bench.json = Json::compact;
        bench.set(mistake.words);
        EXPECT_TEXT(document_problem("set.json", bench.printed), "");
        EXPECT_TEXT(bench.complaints, "");
    }
}

SESSLIMIT_TEST(errors_in_other_files_prevent_a_change) {
    SetBench bench;
    bench.directory.write("policy.toml", "version = 1\n[defaults]\nmax_sesions = 3\n");
    bench.set({"quiet=true"});
    EXPECT(bench.exit == Exit::failed && bench.text() == "-", bench.complaints);
    EXPECT(contains(bench.complaints, "policy.toml:3:1: error: ") &&
               contains(bench.complaints, "nothing was changed, because the policy would have errors"),
           bench.complaints);
}

SESSLIMIT_TEST(unreadable_files_prevent_a_change) {
    SetBench bench;
    bench.directory.write("policy.toml", "version = 1\n");
    std::filesystem::create_directory(bench.directory.path() / "managed.d");
    std::filesystem::create_symlink("/nonexistent", bench.directory.path() / "managed.d" / "x.toml");
    bench.set({"quiet=true"});
    EXPECT(bench.exit == Exit::failed && bench.text() == "-" && contains(bench.complaints, "managed.d/x.toml: error: "),
           bench.complaints);
}

SESSLIMIT_TEST(file_that_must_not_be_changed_is_refused) {
    SetBench bench;
    bench.directory.write(drop_in_file, "version = 1\n");
    EXPECT(chmod((bench.directory.path() / drop_in_file).c_str(), 0444) == 0, "chmod");
    bench.set({"quiet=true"});
    EXPECT(bench.exit == Exit::failed && contains(bench.complaints, "is read-only, and is not changed"),
           bench.complaints);
    EXPECT(chmod((bench.directory.path() / drop_in_file).c_str(), 0644) == 0, "chmod");
    bench.directory.write(drop_in_file, "version = 1\ndefaults = { quiet = false }\n");
    bench.set({"quiet=true"});
    EXPECT_TEXT(bench.complaints,
                "policy.d/90-set.toml:2: quiet is in an inline table; write each key on a line of its own\n");
}

SESSLIMIT_TEST(dry_run_writes_nothing) {
    SetBench bench;
    bench.request.dry_run = true;
    bench.set({"quiet=true"});
    EXPECT(bench.exit == Exit::ok && bench.remote.reloads == 0 && bench.host.logged.empty(), bench.complaints);
    EXPECT_TEXT(bench.printed, "quiet = true in [defaults]: in effect\nDry run: the file was not changed.\n");
    EXPECT(!std::filesystem::exists(bench.directory.path() / "policy.d"), "directory");
    bench.set({"max_sessions=-1"});
    EXPECT(bench.exit == Exit::failed && contains(bench.complaints, "max_sessions is out of range"), bench.complaints);
}

SESSLIMIT_TEST(old_file_is_restored_unless_the_daemon_loads_the_new_one) {
    using Kind = Failure::Kind;
    struct Case {
        Kind kind;
        bool restored;
        Exit exit;
        const char* text;
    };
    const Case cases[] = {
        {Kind::policy_rejected, true, Exit::failed,
         "the old file was restored, because the daemon did not load the new one"},
        {Kind::not_allowed, true, Exit::not_allowed, "the old file was restored"},
        {Kind::bus_denied, true, Exit::not_allowed, "the old file was restored"},
        {Kind::not_running, false, Exit::ok, "sesslimitd is not running, and will load the policy when it starts."},
        {Kind::no_answer, false, Exit::failed, "it is not known whether the daemon has loaded it"},
        {Kind::unresponsive, false, Exit::failed, "it is not known whether the daemon has loaded it"},
        {Kind::other, false, Exit::failed, "it is not known whether the daemon has loaded it"},
    };
    for (const std::string old : {"-", "version = 1\n# old\n"}) {
        for (const Case& one : cases) {
            SetBench bench;
            if (old != "-") {
                bench.directory.write(drop_in_file, old);
            }
            bench.remote.failure = Failure{one.kind, "reason"};
            bench.set({"quiet=true"});
            EXPECT(bench.exit == one.exit && contains(bench.printed + bench.complaints, one.text),
                   bench.printed + bench.complaints);
            EXPECT((bench.text() == old) == one.restored, bench.text());
            EXPECT(bench.host.logged.empty() == one.restored, "journal");
            bench.json = Json::compact;
            bench.set({"quiet=false"});
            EXPECT_TEXT(document_problem("set.json", bench.printed), "");
        }
    }
}

SESSLIMIT_TEST(changes_are_logged_with_person_and_values) {
    SetBench bench;
    bench.set({"max_duration=8h", "quiet=true"});
    bench.set({"max_duration=12h", "quiet=true"});
    bench.request.rule = "a\xe2\x80\xae"; // U+202E, which changes the direction of the text
    bench.request.match = {"user=alice"};
    bench.set({});
    bench.request.match = {};
    bench.unset({});
    std::vector<std::string> messages;
    for (const auto& entry : bench.host.logged) {
        messages.push_back(entry.front().second.substr(0, entry.front().second.find(" of /")));
        EXPECT(entry[1].second == policy_set_id && entry[3].second == "policy-set", messages.back());
    }
    const std::vector<std::string> wanted{"alice (as root) set max_duration = \"8h\" in [defaults]",
                                          "alice (as root) set quiet = true in [defaults]",
                                          "alice (as root) set max_duration = \"12h\" in [defaults]",
                                          "alice (as root) set match.user = \"alice\" in rule \"a\\xe2\\x80\\xae\"",
                                          "alice (as root) removed rule \"a\\xe2\\x80\\xae\""};
    EXPECT(messages == wanted, messages.empty() ? "no entries" : messages.back());
    const auto& changed = bench.host.logged[2];
    EXPECT(changed.front().second.ends_with("90-set.toml, was \"8h\"."), changed.front().second);
    for (const auto& field : std::vector<std::pair<std::string, std::string>>{{"SESSLIMIT_SETTING", "max_duration"},
                                                                              {"SESSLIMIT_OLD_VALUE", "\"8h\""},
                                                                              {"SESSLIMIT_NEW_VALUE", "\"12h\""},
                                                                              {"SESSLIMIT_REQUESTED_BY_UID", "1000"}}) {
        EXPECT(std::ranges::find(changed, field) != changed.end(), field.first);
    }
    bench.host.journal_fails = true;
    bench.request = {};
    bench.request.directory = bench.directory.path();
    bench.set({"mode=observe"});
    EXPECT(bench.exit == Exit::ok && contains(bench.complaints, "failed to write the change to the journal"),
           bench.complaints);
    bench.request.reload = false;
    const std::size_t logged = bench.host.logged.size();
    bench.set({"mode=enforce"});
    EXPECT(bench.host.logged.size() == logged && bench.remote.reloads == 5,
           "a directory that the daemon does not read");
}

SESSLIMIT_TEST(edit_installs_checked_text_and_reports_changes) {
    SetBench bench;
    bench.directory.write(drop_in_file, "version = 1\n[defaults]\nquiet = true\nmax_sessions = 3\n"
                                        "[[rule]]\nname = \"old\"\nmatch.user = \"bob\"\nquiet = true\n");
    const std::string good = "version = 1\n[defaults]\nmax_sessions = 3\nmode = \"observe\"\n"
                             "[[rule]]\nname = \"new\"\nmatch.user = \"alice\"\nmax_sessions = 4\n";
    FakeEditor editor({"version = 1\n[defaults]\nmax_sessions = -3\n", good});
    const SetTools tools{bench.names, bench.remote, bench.host};
    FakeConsole console;
    console.answer = true;
    EXPECT(edit({.directory = bench.directory.path()}, tools, editor, console) == Exit::ok, console.complaints);
    EXPECT(contains(console.complaints, "max_sessions is out of range") &&
               console.questions == "Edit the file again? [y/N] " && editor.seen[1].ends_with("max_sessions = -3\n"),
           console.questions);
    EXPECT_TEXT(bench.text(), good);
    EXPECT_TEXT(console.printed, "mode = \"observe\" in [defaults]: in effect\n"
                                 "quiet removed from [defaults] (was true): false applies, the built-in default\n"
                                 "match.user = \"alice\" in rule \"new\": in effect\n"
                                 "max_sessions = 4 in rule \"new\": in effect\n"
                                 "Limits are not enforced, because " +
                                     (bench.directory.path() / drop_in_file).string() +
                                     ":4 sets mode = \"observe\".\n"
                                     "rule \"old\" removed from " +
                                     (bench.directory.path() / drop_in_file).string() + "\n");
    EXPECT(bench.remote.reloads == 1 && bench.host.logged.size() == 5, "reload and journal");

    FakeEditor same({good});
    FakeConsole quiet;
    EXPECT(edit({.directory = bench.directory.path()}, tools, same, quiet) == Exit::ok &&
               quiet.printed == "The file was not changed.\n" && bench.remote.reloads == 1,
           quiet.printed);
    FakeEditor broken({"version = 2\n"});
    EXPECT(edit({.directory = bench.directory.path()}, tools, broken, quiet) == Exit::failed && bench.text() == good,
           quiet.complaints);
    FakeEditor other({"version = 1\n"});
    bench.remote.failure = Failure{Failure::Kind::policy_rejected, "reason"};
    EXPECT(edit({.directory = bench.directory.path()}, tools, other, quiet) == Exit::failed && bench.text() == good,
           quiet.complaints);
}

SESSLIMIT_TEST(json_of_set_matches_schema) {
    SetBench bench;
    bench.directory.write("managed.d/10.toml", "version = 1\n[defaults]\nmax_duration = \"8h\"\n");
    bench.directory.write("policy.toml", "version = 1\n[[rule]]\nname = \"a\"\nmatch.user = \"alice\"\nkeep = []\n");
    bench.json = Json::compact;
    bench.set({"max_duration=12h", "keep=[\"tmux\"]", "max_sessions=3", "quiet=true", "mode=observe"});
    EXPECT_TEXT(document_problem("set.json", bench.printed), "");
    EXPECT(contains(bench.printed, R"("key":"max_duration","before":null,"after":"12h","effect":"stricter",)") &&
               contains(bench.printed, R"("after":["tmux"])") && contains(bench.printed, R"("after":3)") &&
               contains(bench.printed, R"("reload":"done")"),
           bench.printed);
    bench.unset({"keep", "announce"});
    EXPECT_TEXT(document_problem("set.json", bench.printed), "");
    EXPECT(contains(bench.printed, R"("before":["tmux"],"after":null,"effect":"not-set")"), bench.printed);
}

SESSLIMIT_TEST(parallel_commands_lose_no_change) {
    SetBench bench;
    constexpr const char* words[] = {"max_sessions=3", "quiet=true", "max_duration=8h", "idle_timeout=1h"};
    std::vector<pid_t> children;
    for (const char* word : words) {
        const pid_t child = fork();
        if (child == 0) {
            bench.set({word});
            _exit(bench.exit == Exit::ok ? 0 : 1);
        }
        children.push_back(child);
    }
    bool good = true;
    for (const pid_t child : children) {
        int status = -1;
        good = waitpid(child, &status, 0) == child && status == 0 && good;
    }
    EXPECT(good, "exit status");
    for (const char* line :
         {"max_sessions = 3\n", "quiet = true\n", "max_duration = \"8h\"\n", "idle_timeout = \"1h\"\n"}) {
        EXPECT(contains(bench.text(), line), bench.text());
    }
}

SESSLIMIT_TEST(get_prints_settings_of_the_host_tier) {
    SetBench bench;
    bench.directory.write("managed.d/10.toml", "version = 1\n[defaults]\nmax_duration = \"8h\"\n");
    bench.directory.write("policy.toml", "version = 1\n[defaults]\nmax_duration = '1d'\nmax_sessions = 4\n"
                                         "[[rule]]\nname = \"a\"\nmatch.user = [\"alice\"]\nquiet = true\n");
    bench.set({"max_duration=12h"});
    bench.show(get, {});
    EXPECT_TEXT(bench.printed, "max_sessions=4\nmax_duration=\"12h\"\n");
    bench.show(get, {.keys = {"max_duration"}, .rule = {}});
    EXPECT_TEXT(bench.printed, "max_duration=\"12h\"\n");
    bench.show(get, {.keys = {"quiet"}, .rule = {}});
    EXPECT(bench.exit == Exit::failed && bench.complaints == "quiet is not set\n", bench.complaints);
    bench.show(get, {.keys = {"quite"}, .rule = {}});
    EXPECT(bench.exit == Exit::failed && contains(bench.complaints, "did you mean \"quiet\"?"), bench.complaints);
    bench.show(get, {.keys = {}, .rule = "a"});
    EXPECT_TEXT(bench.printed, "match.user=[\"alice\"]\nquiet=true\n");
    bench.show(get, {.keys = {"match.user"}, .rule = "a"});
    EXPECT_TEXT(bench.printed, "match.user=[\"alice\"]\n");
    bench.show(get, {.keys = {}, .rule = "b"});
    EXPECT(bench.exit == Exit::failed && contains(bench.complaints, "rule \"b\" does not exist"), bench.complaints);
    bench.json = Json::compact;
    bench.show(get, {.keys = {}, .rule = "a"});
    EXPECT_TEXT(document_problem("settings.json", bench.printed), "");
}

SESSLIMIT_TEST(rules_and_defaults_of_all_files) {
    SetBench bench;
    bench.directory.write("managed.d/10.toml", "version = 1\n[defaults]\nmax_duration = \"8h\"\n"
                                               "[[rule]]\nname = \"m\"\nmatch.uid = [3]\nexempt = true\n");
    bench.request.rule = "x";
    bench.request.match = {"user=alice"};
    bench.set({"max_sessions=3"});
    bench.show(rules, {});
    EXPECT_TEXT(bench.printed,
                "rule \"m\" (managed, managed.d/10.toml:4)\n  match.uid = [3]\n  exempt = true\n"
                "rule \"x\" (host, policy.d/90-set.toml:4)\n  match.user = \"alice\"\n  max_sessions = 3\n");
    bench.show(defaults, {});
    EXPECT(contains(bench.printed, "managed [defaults]") && contains(bench.printed, "managed.d/10.toml:3") &&
               contains(bench.printed, "built-in default"),
           bench.printed);
    bench.json = Json::compact;
    bench.show(rules, {});
    EXPECT_TEXT(document_problem("rules.json", bench.printed), "");
    bench.show(defaults, {});
    EXPECT_TEXT(document_problem("defaults.json", bench.printed), "");
    bench.directory.write("policy.toml", "broken");
    for (const auto command : {get, rules, defaults}) {
        bench.show(command, {});
        EXPECT(bench.exit == Exit::failed && contains(bench.complaints, "policy.toml:1"), bench.complaints);
    }
}

SESSLIMIT_TEST(completion_lists_rules_that_a_command_accepts) {
    SetBench bench;
    bench.directory.write("managed.d/10.toml", "version = 1\n[[rule]]\nname = \"m\"\nmatch.uid = [3]\nquiet = true\n");
    bench.directory.write("policy.toml", "version = 1\n[[rule]]\nname = \"p\"\nmatch.uid = [3]\nquiet = true\n");
    bench.request.rule = "two words";
    bench.request.match = {"user=alice"};
    bench.set({"quiet=true"});
    const auto words = [&](const char* kind) {
        FakeConsole console;
        EXPECT(complete_settings(kind, bench.directory.path(), console), kind);
        return console.printed;
    };
    EXPECT_TEXT(words("rules"), "two words\n");
    EXPECT_TEXT(words("host-rules"), "p\ntwo words\n");
    EXPECT(contains(words("settings-values"), "at_limit=deny\nat_limit=end-idlest\nat_limit=end-oldest\n") &&
               contains(words("matches-values"), "origin=local\norigin=unix\n"),
           words("settings-values"));
    FakeConsole console;
    EXPECT(!complete_settings("sessions", bench.directory.path(), console), "not a kind of settings");
}

} // namespace
