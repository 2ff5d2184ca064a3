// SPDX-License-Identifier: MIT
#include "daemon/api/errors.hpp"
#include "daemon/api/query.hpp"
#include "tests/bus/api_bench.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/names.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using core::Phase;

/// Users of the user database, because the bus rejects others.
constexpr uid_t owner_uid = 1;
constexpr uid_t other_uid = 65534;

/// A caller with another user ID, which the bus reads from the kernel.
std::unique_ptr<Party> caller_with(uid_t uid, const ApiBench& bench) {
    (void)chmod(bench.bus.directory().c_str(), 0755);
    const int changed = seteuid(uid);
    auto party = std::make_unique<Party>(bench.loop, bench.bus);
    party->settle(); // the bus has authenticated the caller
    if (changed < 0 || seteuid(0) < 0) {
        throw std::runtime_error("cannot change the user ID");
    }
    return party;
}

/// Returns the error of a text that every reply with an error has.
std::string error(const char* name) {
    return std::string("!") + name;
}

policy::Policy policy_from(const std::string& host) {
    FakeNames names;
    return policy::load({{"host.toml", policy::Tier::host, "version = 1\n" + host}}, names).policy.value();
}

/// Session c1 of alice, opened with a key 1 h ago, and used 10 min ago.
core::Session alices_session(const FakeBackend& daemon) {
    core::Session session = session_in(Phase::active);
    session.opened = daemon.world.now - 1h;
    session.last_input = daemon.world.now - 10min;
    session.last_source = core::Source::input;
    session.terminal = core::Terminal::some;
    session.max_duration = 8h;
    session.idle_timeout = 30min;
    session.login.uid = owner_uid;
    session.login.credential = {.method = "publickey", .fingerprint = "SHA256:k"};
    return session;
}

std::string wall(const FakeBackend& daemon, BootTime at) {
    return std::to_string((at.time_since_epoch() + daemon.world.wall_offset).count());
}

SESSLIMIT_TEST(list_idle_returns_times_of_known_sessions) {
    ApiBench bench;
    EXPECT(bench.is_up(), bench.failures);
    const core::Session session = alices_session(bench.daemon);
    bench.daemon.world.state.put(session);
    core::Session waiting = session_in(Phase::waiting, key(2));
    waiting.leader.pid += 1;
    bench.daemon.world.state.put(waiting);
    const auto stranger = caller_with(other_uid, bench);
    const std::string times = "(\"c1\", " + wall(bench.daemon, session.last_input) + ", " +
                              wall(bench.daemon, session.last_input + 30min) + ", \"input\")";
    EXPECT_TEXT(bench.reply(*stranger, manager, "ListIdle", "as", 3, "c1", "c7", "k3"), "[" + times + "]");
    EXPECT(bench.reply(*stranger, manager, "ListIdle", "as", 1, "k2").starts_with("[(\"k2\", 0, "), "waiting");
    EXPECT_TEXT(bench.reply(bench.party, manager, "ListIdle", "as", 0), "[]");
    const std::string too_long(257, '1');
    EXPECT_TEXT(bench.reply(bench.party, manager, "ListIdle", "as", 1, too_long.c_str()),
                error(api::error_bad_argument));
    EXPECT_TEXT(bench.failures, "");
}

SESSLIMIT_TEST(list_idle_accepts_at_most_1000_sessions) {
    ApiBench bench;
    EXPECT(bench.is_up(), bench.failures);
    for (const std::size_t count : {api::max_idle_ids, api::max_idle_ids + 1}) {
        sd_bus_message* raw = nullptr;
        (void)sd_bus_message_new_method_call(bench.party.get(), &raw, "org.sesslimit1", "/org/sesslimit1", manager,
                                             "ListIdle");
        const bus::Message call(raw);
        (void)sd_bus_message_open_container(raw, 'a', "s");
        for (std::size_t number = 0; number < count; ++number) {
            (void)sd_bus_message_append(raw, "s", "c1");
        }
        (void)sd_bus_message_close_container(raw);
        std::string answer = "-";
        (void)sd_bus_call_async(
            bench.party.get(), nullptr, raw,
            [](sd_bus_message* m, void* data, sd_bus_error*) {
                *static_cast<std::string*>(data) = sd_bus_message_is_method_error(m, nullptr) > 0 ? "error" : "";
                return 0;
            },
            &answer, 0);
        EXPECT(run_until(bench.loop, [&] { return answer != "-"; }), "answered");
        EXPECT_TEXT(answer, count > api::max_idle_ids ? "error" : "");
    }
}

/// The rule matches the authentication of the session, which Explain cannot know.
SESSLIMIT_TEST(explain_session_uses_login_of_session) {
    ApiBench bench;
    EXPECT(bench.is_up(), bench.failures);
    bench.daemon.world.state.put(alices_session(bench.daemon));
    bench.daemon.world.policy = policy_from("[defaults]\nidle_timeout = \"30min\"\n"
                                            "[[rule]]\nname = \"keys\"\nmatch.method = \"publickey\"\n"
                                            "max_duration = \"8h\"\n");
    const auto owner = caller_with(owner_uid, bench);
    for (const Party* caller : {owner.get(), &bench.party}) {
        const std::string text = bench.reply(*caller, manager, "ExplainSession", "s", "c1");
        EXPECT(text.starts_with("true, \"sshd is not in ignore_services\", [(\"max_sessions\", \"unlimited\", \"\", "),
               text);
        EXPECT(text.contains("(\"max_duration\", \"8h\", \"host\", \"keys\", \"host.toml\", 7), "
                             "(\"idle_timeout\", \"30min\", \"host\", \"\", \"host.toml\", 3)"),
               text);
        EXPECT(text.ends_with("[(\"host\", \"keys\", \"host.toml\", \"max_duration = 8h\", 4, true)], "
                              "\"max_duration = 8h terminates it in 7h, "
                              "idle_timeout = 30min terminates it in 20min without activity\""),
               text);
    }
    EXPECT_TEXT(bench.failures, "");
}

SESSLIMIT_TEST(explain_session_only_for_root_and_owner) {
    ApiBench bench;
    EXPECT(bench.is_up(), bench.failures);
    bench.daemon.world.state.put(alices_session(bench.daemon));
    const auto other = caller_with(other_uid, bench);
    EXPECT_TEXT(bench.reply(*other, manager, "ExplainSession", "s", "c1"), error(SD_BUS_ERROR_ACCESS_DENIED));
    EXPECT_TEXT(bench.reply(*other, manager, "ExplainSession", "s", "c2"), error(api::error_no_such_session));
    EXPECT_TEXT(bench.reply(bench.party, manager, "ExplainSession", "s", ""), error(api::error_bad_argument));
}

SESSLIMIT_TEST(defaults_are_those_of_logins_without_rule) {
    ApiBench bench;
    EXPECT(bench.is_up(), bench.failures);
    bench.daemon.world.policy = policy_from("[defaults]\nmax_sessions = 3\nignore_services = [\"su\", \"cron\"]\n"
                                            "[[rule]]\nname = \"all\"\nmatch.uid = \"0-\"\nmax_sessions = 1\n");
    const auto other = caller_with(other_uid, bench);
    const std::string text = bench.reply(*other, manager, "Defaults", nullptr);
    EXPECT(text.starts_with("[(\"max_sessions\", \"3\", \"host\", \"\", \"host.toml\", 3), "
                            "(\"max_sessions_fleet\", \"unlimited\", \"\", \"\", \"\", 0), "),
           text);
    EXPECT(text.ends_with("(\"ignore_services\", \"[su, cron]\", \"host\", \"\", \"host.toml\", 4)]"), text);
}

SESSLIMIT_TEST(properties_show_clock_and_policy_problems) {
    ApiBench bench;
    EXPECT(bench.is_up(), bench.failures);
    bench.daemon.reported.policy_problems = {"policy.toml:3:1: error: a", "policy.toml:4:1: error: b"};
    const auto get = [&](const char* property) {
        return bench.reply(bench.party, "org.freedesktop.DBus.Properties", "Get", "ss", manager, property);
    };
    EXPECT_TEXT(get("Now"), wall(bench.daemon, bench.daemon.world.now));
    EXPECT_TEXT(get("PolicyProblems"), "[\"policy.toml:3:1: error: a\", \"policy.toml:4:1: error: b\"]");
}

SESSLIMIT_TEST(changes_of_policy_problems_are_signaled) {
    ApiBench bench;
    std::string seen;
    (void)sd_bus_match_signal(
        bench.party.get(), nullptr, nullptr, "/org/sesslimit1", "org.freedesktop.DBus.Properties", "PropertiesChanged",
        [](sd_bus_message* m, void* data, sd_bus_error*) {
            *static_cast<std::string*>(data) += text_of(m) + "; ";
            return 0;
        },
        &seen);
    EXPECT(bench.is_up(), bench.failures);
    bench.daemon.reported.policy_problems = {"a"};
    bench.service->emit_policy_problems();
    EXPECT(run_until(bench.loop, [&] { return !seen.empty(); }), "signaled");
    EXPECT_TEXT(seen, "\"org.sesslimit1.Manager\", [\"PolicyProblems\", [\"a\"]], []; ");
    seen.clear();
    bench.service->emit_policy("kept");
    EXPECT(run_until(bench.loop, [&] { return !seen.empty(); }), "signaled");
    EXPECT(seen.contains("\"PolicyProblems\", [\"a\"]") && seen.contains("\"PolicyState\", \"none\""), seen);
}

SESSLIMIT_TEST(preview_shows_sessions_under_changed_policy) {
    ApiBench bench;
    EXPECT(bench.is_up(), bench.failures);
    FakeBackend& daemon = bench.daemon;
    daemon.world.state.put(alices_session(daemon));
    daemon.world.policy = policy_from("[defaults]\nmax_duration = \"8h\"\n");
    daemon.changed = policy_from("[defaults]\nmax_duration = \"2h\"\nmax_sessions = 1\n");
    const std::string before = bench.reply(bench.party, manager, "ListSessions", nullptr);
    const std::string text =
        bench.reply(bench.party, manager, "PreviewPolicy", "sss", "90-set.toml", "version = 1", "c1");
    EXPECT_TEXT(daemon.log, "90-set.toml: version = 1; ");
    EXPECT(before.contains("\"DurationEndsAt\", " + wall(daemon, daemon.world.now + 7h)), before);
    EXPECT(text.contains("\"DurationEndsAt\", " + wall(daemon, daemon.world.now + 1h)), text);
    EXPECT(text.ends_with(", \"would be denied: 1 of 1 sessions are open\""), text);
    EXPECT_TEXT(bench.reply(bench.party, manager, "ListSessions", nullptr), before);
    EXPECT(bench.reply(bench.party, manager, "PreviewPolicy", "sss", "a.toml", "", "").ends_with(", \"\""),
           "no session");
    EXPECT_TEXT(bench.failures, "");
}

SESSLIMIT_TEST(preview_rejects_invalid_arguments_and_other_users) {
    ApiBench bench;
    EXPECT(bench.is_up(), bench.failures);
    const std::string longest(255 - 5, 'a');
    for (const std::string& file :
         {std::string("../policy.toml"), std::string(".a.toml"), std::string("a"), std::string(), longest + "a.toml"}) {
        EXPECT_TEXT(bench.reply(bench.party, manager, "PreviewPolicy", "sss", file.c_str(), "", ""),
                    error(api::error_bad_argument));
    }
    const std::string too_large(1024 * 1024 + 1, '#');
    EXPECT_TEXT(bench.reply(bench.party, manager, "PreviewPolicy", "sss", "a.toml", too_large.c_str(), ""),
                error(api::error_bad_argument));
    bench.daemon.changed = fail("90-set.toml:1: error", EBADMSG);
    EXPECT_TEXT(bench.reply(bench.party, manager, "PreviewPolicy", "sss", (longest + ".toml").c_str(), "", ""),
                error(api::error_policy_rejected));
    bench.daemon.log.clear();
    const auto owner = caller_with(owner_uid, bench);
    EXPECT_TEXT(bench.reply(*owner, manager, "PreviewPolicy", "sss", "a.toml", "", ""),
                error(SD_BUS_ERROR_ACCESS_DENIED));
    EXPECT_TEXT(bench.daemon.log, "");
}

} // namespace

int main() {
    return sesslimit::test::run_all_as_root("only root may become another user");
}
