// SPDX-License-Identifier: MIT
#include "tests/ctl/schema.hpp"
#include "tests/ctl/set_bench.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <cstdlib>
#include <ctime>

using namespace sesslimit;
using namespace sesslimit::ctl;
using namespace sesslimit::test;

// The effect of set, unset and edit on open sessions and on the caller.

namespace {

SESSLIMIT_TEST(sessions_that_end_earlier_are_listed) {
    setenv("TZ", "UTC", 1);
    tzset();
    SetBench bench;
    for (const char* id : {"1", "2", "3", "4", "5"}) {
        bench.remote.sessions.push_back(alices_session(id));
        bench.remote.sessions.back().key = std::stoul(id);
    }
    bench.remote.sessions[3].mode = "observe"; // it is not terminated before the change
    bench.remote.on_reload = [&] {
        auto& sessions = bench.remote.sessions;
        sessions[0].duration_ends_at = noon + 10 * minute;
        sessions[1].idle_ends_at = noon + 5 * minute;
        sessions[2].duration_ends_at = infinity; // its idle timeout still is the first limit
        sessions[3].mode = "enforce";
        sessions[4].mode = "observe";
        sessions[4].idle_ends_at = noon;
    };
    bench.set({"max_duration=1h"});
    EXPECT_TEXT(bench.printed,
                "max_duration = \"1h\" in [defaults]: in effect\n"
                "Sessions that end earlier with the new policy:\n"
                "  session 2 of alice: sshd on pts/0, from 192.0.2.7, since 12:00 (2h): idle 5min left\n"
                "  session 1 of alice: sshd on pts/0, from 192.0.2.7, since 12:00 (2h): 10min left\n"
                "  session 4 of alice: sshd on pts/0, from 192.0.2.7, since 12:00 (2h): idle 12min left\n");
    bench.json = Json::compact;
    bench.remote.on_reload = [&] { bench.remote.sessions[2].idle_ends_at = noon; };
    bench.set({"max_duration=2h"});
    EXPECT_TEXT(document_problem("set.json", bench.printed), "");
    EXPECT(contains(bench.printed, R"("ending_sooner":[{"id":"3","user":"alice","uid":1000,"duration_ends_at":null)"),
           bench.printed);
}

SESSLIMIT_TEST(dry_run_lists_sessions_that_would_end_earlier) {
    setenv("TZ", "UTC", 1);
    tzset();
    SetBench bench;
    bench.request.dry_run = true;
    bench.remote.sessions = {alices_session("1"), alices_session("2")};
    bench.remote.sessions[1].key = 8;
    bench.remote.on_preview = [&](const std::string&) {
        PolicyPreview preview{bench.remote.sessions, {}};
        preview.sessions[1].duration_ends_at = noon + 5 * minute;
        return preview;
    };
    bench.set({"max_duration=1h"});
    EXPECT_TEXT(bench.printed, "max_duration = \"1h\" in [defaults]: in effect\n"
                               "Sessions that would end earlier with the new policy:\n"
                               "  session 2 of alice: sshd on pts/0, from 192.0.2.7, since 12:00 (2h): 5min left\n"
                               "Dry run: the file was not changed.\n");
    bench.json = Json::compact;
    bench.set({"max_duration=1h"});
    EXPECT_TEXT(document_problem("set.json", bench.printed), "");
    EXPECT(contains(bench.printed, R"("ending_sooner":[{"id":"2",)") &&
               contains(bench.printed, R"("lockout":[],"sessions_known":true)"),
           bench.printed);
    bench.remote.failure = Failure{Failure::Kind::not_running, ""};
    bench.set({"max_duration=1h"});
    EXPECT(contains(bench.printed, R"("lockout":[],"sessions_known":false)"), bench.printed);
    bench.json = Json::off;
    bench.set({"max_duration=1h"});
    EXPECT_TEXT(bench.printed, "max_duration = \"1h\" in [defaults]: in effect\n"
                               "The effect on open sessions is not known: sesslimitd is not running; run 'systemctl "
                               "start sesslimitd'.\nDry run: the file was not changed.\n");
    EXPECT(bench.exit == Exit::ok && bench.text() == "-", bench.complaints);
}

/// Lets the change deny another login of the caller, and terminate the caller's session after 5 min.
void lock_out(SetBench& bench) {
    bench.host.session = "12";
    bench.remote.sessions = {alices_session("12")};
    bench.remote.on_preview = [&](const std::string& session) {
        PolicyPreview preview{bench.remote.sessions, {}};
        preview.sessions[0].duration_ends_at = noon + 5 * minute;
        preview.denial = session == "12" ? "would be denied: 1 of 1 sessions are open" : "";
        return preview;
    };
}

const std::string sentences[] = {
    "your session 12 would be terminated: 5min left",
    "another login like that of your session 12 would be denied: 1 of 1 sessions are open"};

SESSLIMIT_TEST(change_that_locks_out_the_caller_must_be_confirmed) {
    const std::string warnings = "Warning: " + sentences[0] + ".\nWarning: " + sentences[1] + ".\n";
    for (const bool agreed : {false, true}) {
        SetBench bench;
        lock_out(bench);
        bench.answer = agreed;
        bench.set({"max_sessions=1"});
        EXPECT_TEXT(bench.questions, warnings + "Change the policy anyway? [y/N] ");
        EXPECT(bench.exit == (agreed ? Exit::ok : Exit::failed) && (bench.text() == "-") != agreed, bench.complaints);
        EXPECT_TEXT(bench.complaints, agreed ? "" : "nothing was changed\n");

        FakeEditor editor({"version = 1\n[defaults]\nmax_sessions = 2\n"});
        FakeConsole console;
        console.answer = agreed;
        const std::string before = bench.text();
        const Exit exit =
            edit({.directory = bench.directory.path()}, {bench.names, bench.remote, bench.host}, editor, console);
        EXPECT_TEXT(console.questions, warnings + "Change the policy anyway? [y/N] ");
        EXPECT(exit == (agreed ? Exit::ok : Exit::failed) && (bench.text() == before) != agreed, console.complaints);
    }
}

SESSLIMIT_TEST(lockout_is_only_a_warning_without_terminal) {
    SetBench bench;
    lock_out(bench);
    bench.request.dry_run = true;
    bench.answer = false; // a dry run asks nothing
    for (int run = 0; run < 2; ++run) {
        bench.set({"max_sessions=1"});
        EXPECT_TEXT(bench.complaints, "Warning: " + sentences[0] + ".\nWarning: " + sentences[1] + ".\n");
        EXPECT(bench.exit == Exit::ok && bench.questions.empty(), bench.questions);
        bench.request.dry_run = false;
        bench.answer = std::nullopt;
    }
    EXPECT(contains(bench.text(), "max_sessions = 1"), bench.text());
    bench.json = Json::compact;
    bench.set({"max_sessions=2"});
    EXPECT_TEXT(document_problem("set.json", bench.printed), "");
    EXPECT(contains(bench.printed, "\"lockout\":[\"" + sentences[0] + "\",\"" + sentences[1] + "\"]"), bench.printed);
    EXPECT_TEXT(bench.complaints, "");
}

SESSLIMIT_TEST(only_earlier_end_of_own_session_by_duration_is_lockout) {
    const std::vector<Session> before{alices_session("12")}; // idle after 12 min
    const auto lockout = [&before](Usec duration, Usec idle, const char* own = "12", const char* mode = "enforce") {
        PolicyPreview preview{before, {}};
        preview.sessions[0].duration_ends_at = noon + duration;
        preview.sessions[0].idle_ends_at = noon + idle;
        preview.sessions[0].mode = mode;
        const auto found = lockout_of(before, preview, own, noon);
        return found.empty() ? "" : found.front();
    };
    EXPECT_TEXT(lockout(14 * minute, 12 * minute), "your session 12 would be terminated: 14min left");
    EXPECT_TEXT(lockout(lockout_span, hour), "your session 12 would be terminated: 15min left");
    EXPECT_TEXT(lockout(lockout_span + 1, hour), "");
    EXPECT_TEXT(lockout(6 * hour, minute), "");
    EXPECT_TEXT(lockout(minute, minute, "13") + lockout(minute, minute, "") + lockout(minute, minute, "12", "observe"),
                "");
    std::vector<Session> ending = before;
    ending[0].duration_ends_at = noon + minute; // also without the change
    EXPECT(lockout_of(ending, {ending, {}}, "12", noon).empty(), "the same end");
}

} // namespace
