// SPDX-License-Identifier: MIT
#include "daemon/api/authority.hpp"
#include "daemon/api/errors.hpp"
#include "tests/bus/api_bench.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <string>
#include <string_view>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using core::Phase;

/// A waiting login will be denied by itself soon. It cannot be terminated, and its termination must not be reported.
SESSLIMIT_TEST(end_session_accepts_only_admitted_sessions) {
    struct Case {
        Phase phase;
        const char* id;
        std::string_view answer;
        std::string_view log;
    };
    const Case cases[] = {
        {Phase::waiting, "k1", api::error_no_such_session, ""}, {Phase::admitted, "k1", "", "end 1 by root; "},
        {Phase::active, "c1", "", "end 1 by root; "},           {Phase::active, "c2", api::error_no_such_session, ""},
        {Phase::denied, "k1", api::error_no_such_session, ""},  {Phase::asking, "k1", api::error_no_such_session, ""},
    };
    ApiBench bench;
    EXPECT(bench.is_up(), bench.failures);
    for (const Case& test : cases) {
        bench.daemon.log.clear();
        bench.daemon.world.state.put(session_in(test.phase));
        EXPECT_TEXT(bench.end("EndSession", test.id), test.answer);
        EXPECT_TEXT(bench.daemon.log, test.log);
    }
    EXPECT_TEXT(bench.failures, "");
}

SESSLIMIT_TEST(message_to_user_is_checked) {
    struct Case {
        const char* about;
        const char* option;
        const char* type;
        std::string text;
        std::string_view answer;
    };
    const std::string longest(core::max_note_length, 'x');
    const Case cases[] = {
        {"a message", "message", "s", "Maintenance at 18:00 – see the wiki", ""},
        {"the longest", "message", "s", longest, ""},
        {"too long", "message", "s", longest + "x", api::error_bad_argument},
        {"two lines", "message", "s", "a\nb", api::error_bad_argument},
        {"an escape sequence", "message", "s", "\x1B[2J", api::error_bad_argument},
        {"a C1 character", "message", "s", "\xC2\x9B", api::error_bad_argument},
        {"another type", "message", "o", "/a", api::error_bad_argument},
        {"another option", "mesage", "s", "x", api::error_bad_argument},
    };
    ApiBench bench;
    EXPECT(bench.is_up(), bench.failures);
    bench.daemon.world.state.put(session_in(Phase::active));
    for (const char* method : {"EndSession", "EndUser", "EndCredential"}) {
        const std::string_view name = method;
        const char* target = name == "EndSession" ? "c1" : name == "EndUser" ? "alice" : "cert-id:x";
        for (const Case& test : cases) {
            bench.daemon.requester.message = "-";
            const std::string about = std::string(method) + ", " + test.about + ": ";
            EXPECT_TEXT(about + bench.end(method, target, test.option, test.type, test.text.c_str()),
                        about + std::string(test.answer));
            const bool is_read = test.answer.empty() && name != "EndCredential";
            EXPECT_TEXT(about + bench.daemon.requester.message, about + (is_read ? test.text : "-"));
        }
    }
    EXPECT_TEXT(bench.failures, "");
}

SESSLIMIT_TEST(case_D11_requester_named_by_login_uid) {
    struct Case {
        const char* login_uid;
        std::string_view log;
        uid_t requester;
        std::string_view name;
    };
    const Case cases[] = {
        {"1001", "end 1 by alice (as root); ", 1001, "alice"},
        {"1002", "end 1 by UID 1002 (as root); ", 1002, "UID 1002"},
        {"0", "end 1 by root; ", 0, "root"},
        {no_login_uid, "end 1 by root; ", 0, "root"},
    };
    ApiBench bench;
    EXPECT(bench.is_up(), bench.failures);
    bench.daemon.world.state.put(session_in(Phase::active));
    for (const Case& test : cases) {
        if (!set_login_uid(test.login_uid)) {
            skip();
        }
        bench.daemon.log.clear();
        EXPECT_TEXT(bench.end("EndSession", "c1"), "");
        EXPECT_TEXT(bench.daemon.log, test.log);
        EXPECT(bench.daemon.requester.uid == test.requester, test.login_uid);
        EXPECT_TEXT(bench.daemon.requester.person, test.name);
    }
    (void)set_login_uid(no_login_uid);
}

/// There are two users. The name of one is the ID of the other.
SESSLIMIT_TEST(case_A07_number_is_user_name) {
    struct Case {
        const char* user;
        std::string_view answer;
        std::string_view log;
    };
    const Case cases[] = {
        {"1001", "", "end 1 by root; "},
        {"uid:1001", "", "end 2 by root; "},
        {"uid:1002", "", "end 1 by root; "},
        {"1002", "", ""},
        {"bob", "", "end 2 by root; "},
        {"uid:x", api::error_bad_argument, ""},
        {"uid:4294967295", api::error_bad_argument, ""},
        {"", api::error_bad_argument, ""},
    };
    ApiBench bench;
    EXPECT(bench.is_up(), bench.failures);
    core::Session number = session_in(Phase::active);
    number.login.user = "1001";
    number.login.uid = 1002;
    core::Session bob = number;
    bob.key = SessionKey{2};
    bob.logind_id = "c2";
    bob.leader.pid += 1;
    bob.login.user = "bob";
    bob.login.uid = 1001;
    bench.daemon.world.state.put(number);
    bench.daemon.world.state.put(bob);
    for (const Case& test : cases) {
        bench.daemon.log.clear();
        EXPECT_TEXT(bench.end("EndUser", test.user), test.answer);
        EXPECT_TEXT(bench.daemon.log, test.log);
    }
}

SESSLIMIT_TEST(case_A07_explain_uses_same_user_reference) {
    struct Case {
        const char* user;
        std::string_view answer;
        std::string_view log;
    };
    const Case cases[] = {
        {"1001", api::error_busy, "look 1001 up for 0; "},
        {"uid:1001", api::error_busy, "look uid 1001 up for 0; "},
        {"uid:x", api::error_bad_argument, ""},
        {"", api::error_bad_argument, ""},
    };
    ApiBench bench;
    EXPECT(bench.is_up(), bench.failures);
    for (const Case& test : cases) {
        bench.daemon.log.clear();
        EXPECT_TEXT(bench.call("Explain", "a{sv}", 1, "User", "s", test.user), test.answer);
        EXPECT_TEXT(bench.daemon.log, test.log);
    }
    EXPECT_TEXT(bench.call("Explain", "a{sv}", 2, "User", "s", "uid:1001", "Uid", "u", 1002U), api::error_bad_argument);
}

/// The daemon cannot queue the lookup, but the caller gets an answer anyway.
SESSLIMIT_TEST(rejected_lookup_answered_with_busy) {
    ApiBench bench;
    EXPECT(bench.is_up(), bench.failures);
    EXPECT_TEXT(bench.call("Explain", "a{sv}", 1, "User", "s", "alice"), api::error_busy);
    EXPECT_TEXT(bench.daemon.log, "look alice up for 0; ");
    EXPECT_TEXT(bench.failures, "");
}

/// The calls do not expect replies, so that the bus does not limit their number.
SESSLIMIT_TEST(many_calls_of_one_connection_do_not_block_others) {
    constexpr std::size_t many = 2 * api::Authority::max_identified;
    ApiBench bench;
    EXPECT(bench.is_up(), bench.failures);
    Party flood(bench.loop, bench.bus);
    for (std::size_t sent = 0; sent < many; ++sent) {
        sd_bus_message* raw = nullptr;
        (void)sd_bus_message_new_method_call(flood.get(), &raw, "org.sesslimit1", "/org/sesslimit1",
                                             "org.sesslimit1.Manager", "ListSessions");
        const bus::Message call(raw);
        (void)sd_bus_message_set_expect_reply(raw, 0);
        (void)sd_bus_send(flood.get(), raw, nullptr);
    }
    flood.settle(); // all calls are queued at the service now, and later calls follow them
    EXPECT_TEXT(bench.call("ListSessions", nullptr), "");
    EXPECT_TEXT(bench.failures, "");
}

} // namespace

int main() {
    return sesslimit::test::run_all_as_root("only root may end a session without polkit");
}
