// SPDX-License-Identifier: MIT
#include "ctl/client/escaped_client.hpp"
#include "ctl/client/failure.hpp"
#include "ctl/output/format.hpp"
#include "tests/ctl/fakes.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <cstdlib>
#include <ctime>

using namespace sesslimit;
using namespace sesslimit::ctl;
using namespace sesslimit::test;

namespace {

SESSLIMIT_TEST(spans_shown_in_two_largest_units) {
    struct Case {
        Usec span;
        const char* words;
    };
    constexpr Case cases[] = {
        {0, "0s"},
        {999'999, "0s"},
        {45 * second, "45s"},
        {minute, "1min"},
        {12 * minute + 59 * second, "12min"},
        {6 * hour, "6h"},
        {2 * hour + 5 * minute + 59 * second, "2h 5min"},
        {24 * hour - 1, "23h 59min"},
        {28 * hour + 59 * minute, "1d 4h"},
        {infinity, "unlimited"},
        {infinity - 1, "unlimited"},
    };
    for (const Case& one : cases) {
        EXPECT_TEXT(rough(one.span), one.words);
    }
}

SESSLIMIT_TEST(end_text_shows_earliest_limit) {
    struct Case {
        const char* about;
        Usec duration_in;
        Usec idle_in;
        const char* state;
        const char* mode;
        const char* words;
        Urgency urgency;
    };
    constexpr Case cases[] = {
        {"nothing", infinity, infinity, "active", "enforce", "-", Urgency::none},
        {"duration only", 6 * hour, infinity, "active", "enforce", "6h left", Urgency::none},
        {"idle first", 6 * hour, 12 * minute, "active", "enforce", "idle 12min left", Urgency::none},
        {"duration first", 10 * minute, 12 * minute, "active", "enforce", "10min left", Urgency::none},
        {"both at once", hour, hour, "active", "enforce", "1h left", Urgency::none},
        {"soon", 4 * minute, infinity, "active", "enforce", "4min left", Urgency::soon},
        {"just not soon", 5 * minute, infinity, "active", "enforce", "5min left", Urgency::none},
        {"overdue", 0, infinity, "active", "enforce", "0s left", Urgency::soon},
        {"only observed", 4 * minute, infinity, "active", "observe", "(4min left)", Urgency::none},
        {"ending", 4 * minute, infinity, "ending", "enforce", "ending", Urgency::now},
        {"left behind", infinity, infinity, "left-behind", "enforce", "left-behind", Urgency::none},
        {"waiting", infinity, infinity, "waiting", "enforce", "waiting", Urgency::none},
    };
    for (const Case& one : cases) {
        Session session;
        session.duration_ends_at = one.duration_in == infinity ? infinity : noon + one.duration_in;
        session.idle_ends_at = one.idle_in == infinity ? infinity : noon + one.idle_in;
        session.state = one.state;
        session.mode = one.mode;
        EXPECT_TEXT(end_text(session, noon), one.words);
        EXPECT(urgency_of(session, noon) == one.urgency, one.about);
    }
}

SESSLIMIT_TEST(past_deadline_not_negative) {
    Session session = alices_session();
    session.duration_ends_at = noon - hour;
    EXPECT_TEXT(end_text(session, noon), "0s left");
    session.idle_since = noon + hour; // the wall clock was set back
    EXPECT_TEXT(idle_words(session, noon), "0s");
    session.idle_since = 0;
    EXPECT_TEXT(idle_words(session, noon), "-");
}

SESSLIMIT_TEST(times_shown_short_and_long) {
    EXPECT_TEXT(short_time(noon - 2 * hour, noon), "12:00");
    EXPECT_TEXT(short_time(noon - 24 * hour, noon), "2026-11-22 14:00");
    EXPECT_TEXT(short_time(0, noon), "-");
    EXPECT_TEXT(short_time(infinity, noon), "-");
    EXPECT_TEXT(long_time(noon - 5 * minute, noon), "2026-11-23 13:55:00 UTC (5min ago)");
    EXPECT_TEXT(long_time(noon + 5 * minute, noon), "2026-11-23 14:05:00 UTC (in 5min)");
    EXPECT_TEXT(long_time(infinity, noon), "never");
    EXPECT_TEXT(long_time(infinity - 1, noon), "-");
    EXPECT_TEXT(log_time(noon), "2026-11-23 14:00:00");
    EXPECT_TEXT(log_time(0), "-");
}

SESSLIMIT_TEST(session_shown_in_one_line) {
    Session session = alices_session();
    EXPECT_TEXT(session_line(session, noon), "session 12 of alice: sshd on pts/0, from 192.0.2.7, since 12:00 (2h)");
    session.terminals.clear();
    session.origin.clear();
    EXPECT_TEXT(session_line(session, noon),
                "session 12 of alice: sshd without a terminal, from this host, since 12:00 (2h)");
    session.terminals = {"pts/0", "pts/3"};
    EXPECT_TEXT(terminals_words(session), "pts/0, pts/3");
}

SESSLIMIT_TEST(session_matched_by_user_name_or_id) {
    Session session = alices_session();
    EXPECT(belongs_to(session, "alice") && belongs_to(session, "uid:1000"), "by name and by user ID");
    EXPECT(!belongs_to(session, "1000") && !belongs_to(session, "uid:x"), "a number is a name");
    EXPECT(!belongs_to(session, "alic") && !belongs_to(session, "100") && !belongs_to(session, ""), "no other match");
}

SESSLIMIT_TEST(case_D10_shown_name_accepted_as_argument) {
    struct Case {
        const char* name; ///< as on D-Bus
        const char* words;
        const char* argument;
    };
    const Case cases[] = {
        {"CORP\\alice", "CORP\\alice", "CORP\\alice"},
        {"CORP\\xavier", "CORP\\xavier", "CORP\\xavier"},
        {"a\\xffb", "a\\xffb (uid:1000)", "uid:1000"}, // perhaps a byte that is not valid UTF-8
        {"a\nb", "a\\x0ab (uid:1000)", "uid:1000"},
    };
    for (const Case& one : cases) {
        Session session = alices_session();
        session.user = one.name;
        EXPECT_TEXT(user_words(session), one.words);
        EXPECT_TEXT(user_argument(session), one.argument);
        EXPECT(belongs_to(session, one.argument), one.name);
    }
}

SESSLIMIT_TEST(case_A07_printed_user_accepted_as_argument) {
    for (const char* name : {"alice", "1001", "", "a\nb"}) {
        Session session = alices_session();
        session.user = name;
        EXPECT(belongs_to(session, user_argument(session)), name);
        EXPECT(user_words(session).find(user_argument(session)) != std::string::npos, name);
    }
    EXPECT_TEXT(user_words(alices_session()), "alice");
}

SESSLIMIT_TEST(bus_text_escaped_once) {
    EXPECT_TEXT(safe("alice"), "alice");
    EXPECT_TEXT(safe("\033[2J\x07"), "\\x1b[2J\\x07");
    EXPECT_TEXT(safe("\\x1b[2J"), "\\x1b[2J"); // already escaped by the daemon
    EXPECT_TEXT(safe("\xc2\x9b"
                     "2J"),
                "\\xc2\\x9b2J");
    EXPECT_TEXT(safe("a\xe2\x80\xae"
                     "b"),
                "a\\xe2\\x80\\xae"
                "b");
    EXPECT_TEXT(safe("one\ntwo"), "one\\x0atwo");
    EXPECT_TEXT(safe("\\"), "\\");
    EXPECT_TEXT(safe_lines("one\n\033two\n"), "one\n\\x1btwo\n");
    EXPECT(safe(std::string(1 << 20, 'x')).size() <= 4096, "long");
    EXPECT(safe(std::string(1 << 20, '\\')).size() <= 4100, "long, of backslashes");
    EXPECT(safe_lines(std::string(1 << 20, '\n')).size() <= 2100, "many lines");
}

SESSLIMIT_TEST(each_error_maps_to_one_exit_status) {
    struct Case {
        const char* name;
        Failure::Kind kind;
        Exit exit;
    };
    constexpr Case cases[] = {
        {"org.sesslimit1.Error.NoSuchSession", Failure::Kind::no_such_session, Exit::not_found},
        {"org.sesslimit1.Error.NoSuchUser", Failure::Kind::no_such_user, Exit::not_found},
        {"org.sesslimit1.Error.PolicyRejected", Failure::Kind::policy_rejected, Exit::failed},
        {"org.sesslimit1.Error.BadArgument", Failure::Kind::other, Exit::failed},
        {"org.sesslimit1.Error.Busy", Failure::Kind::other, Exit::failed},
        {"org.freedesktop.DBus.Error.AccessDenied", Failure::Kind::not_allowed, Exit::not_allowed},
        {"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", Failure::Kind::not_allowed, Exit::not_allowed},
        {"org.freedesktop.DBus.Error.ServiceUnknown", Failure::Kind::not_running, Exit::failed},
        {"org.freedesktop.DBus.Error.NameHasNoOwner", Failure::Kind::not_running, Exit::failed},
        {"org.freedesktop.DBus.Error.NoReply", Failure::Kind::no_answer, Exit::failed},
        {"org.example.Error.New", Failure::Kind::other, Exit::failed},
    };
    for (const Case& one : cases) {
        const Failure failure = failure_of(one.name, "why");
        EXPECT(failure.kind == one.kind, one.name);
        EXPECT(exit_of(failure.kind) == one.exit, one.name);
    }
    EXPECT_TEXT(words_of(failure_of("org.freedesktop.DBus.Error.ServiceUnknown", "x")),
                "sesslimitd is not running; run 'systemctl start sesslimitd'");
    EXPECT(exit_of(Failure::Kind::unresponsive) == Exit::failed, "a ping without a reply");
    EXPECT(exit_of(Failure::Kind::bus_denied) == Exit::not_allowed, "denied by the bus");
    EXPECT_TEXT(words_of(failure_of("org.example.Error.New", "\033why")), "\\x1bwhy");
    EXPECT_TEXT(words_of(failure_of("org.example.Error.New", "")), "org.example.Error.New");
    EXPECT_TEXT(words_of(failure_of("org.sesslimit1.Error.PolicyRejected", "a.toml:1:2: error: x\n y\033\n ^")),
                "policy rejected, previous policy stays in effect:\na.toml:1:2: error: x\n y\\x1b\n ^");
}

} // namespace
