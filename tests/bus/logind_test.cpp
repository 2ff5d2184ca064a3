// SPDX-License-Identifier: MIT
#include "daemon/logind/logind.hpp"
#include "tests/bus/party.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/loop_bench.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;

constexpr const char* name = "org.freedesktop.login1";
constexpr const char* path = "/org/freedesktop/login1";
constexpr const char* manager = "org.freedesktop.login1.Manager";
constexpr const char* session_path = "/org/freedesktop/login1/session/_33";

/// One reply of logind about session 3.
struct Say {
    std::string error; ///< if not empty: the reply is only this error
    std::string state = "active";
    pid_t leader = getpid();
};

/// Simulates logind with session 3. The callbacks of the daemon are appended to `log` in order.
struct Bench {
    PrivateBus bus;
    EventLoop loop = make_loop();
    std::string log;
    std::deque<Say> says;                          ///< replies about session 3, in order
    std::string pid_error;                         ///< error of GetSessionByPID; empty: session 3
    int asked = 0;                                 ///< number of requests about session 3
    std::map<std::string, std::uint64_t> settings; ///< time spans of logind's configuration, by their properties
    std::string us;                                ///< sender of the last call
    Party party;
    logind::Logind logind;

    explicit Bench(std::deque<Say> all)
        : says(std::move(all)), party(loop, at_system_bus(), name, [this](sd_bus_message* m) { return answer(m); }),
          logind(loop.get(), {.appeared =
                                  [this](const core::LogindSession& session) {
                                      log += "appeared " + session.id + (session.closing ? ", closing" : "") +
                                             (session.leader.pid == 0 ? ", dead" : "") + "; ";
                                  },
                              .gone = [this](const std::string& id) { log += "gone " + id + "; "; },
                              .listed = [this](const auto&) { log += "listed; "; },
                              .caught_up = [this] { log += "caught up; "; },
                              .failed = [this](const Error& error) { log += error.what + "; "; }}) {}

    const PrivateBus& at_system_bus() {
        make_system_bus(bus);
        return bus;
    }

    int answer(sd_bus_message* call) {
        us = sd_bus_message_get_sender(call);
        if (sd_bus_message_is_method_call(call, manager, "ListSessions") > 0) {
            return sd_bus_reply_method_return(call, "a(susso)", 1, "3", 1000U, "alice", "", session_path);
        }
        if (sd_bus_message_is_method_call(call, manager, "GetSessionByPID") > 0) {
            return pid_error.empty() ? sd_bus_reply_method_return(call, "o", session_path)
                                     : sd_bus_reply_method_errorf(call, pid_error.c_str(), "%s", "no session");
        }
        if (sd_bus_message_is_method_call(call, "org.freedesktop.DBus.Properties", "Get") > 0) {
            const char *interface = nullptr, *property = nullptr;
            (void)sd_bus_message_read(call, "ss", &interface, &property);
            const auto setting = settings.find(property);
            return setting == settings.end() ? -ENOTSUP : sd_bus_reply_method_return(call, "v", "t", setting->second);
        }
        if (sd_bus_message_is_method_call(call, "org.freedesktop.DBus.Properties", "GetAll") <= 0) {
            return 0;
        }
        ++asked;
        if (says.empty()) {
            return -ENOTSUP;
        }
        const Say say = says.front();
        says.pop_front();
        if (!say.error.empty()) {
            return sd_bus_reply_method_errorf(call, say.error.c_str(), "%s", "not now");
        }
        return sd_bus_reply_method_return(call, "a{sv}", 3, "Id", "s", "3", "State", "s", say.state.c_str(), "Leader",
                                          "u", static_cast<std::uint32_t>(say.leader));
    }

    bool catches_up() {
        logind.connect();
        return run_until(loop, [&] { return log.ends_with("caught up; "); });
    }
};

SESSLIMIT_TEST(session_query_retried_once) {
    struct Case {
        std::string_view name;
        std::deque<Say> says;
        int asked;
        std::string_view log;
    };
    const std::string busy = "org.freedesktop.DBus.Error.LimitsExceeded";
    const std::string unknown = "org.freedesktop.login1.NoSuchSession";
    const Say alive;
    const Say dead{.error = {}, .leader = 2'147'483'647};
    const Case cases[] = {
        {"immediately", {alive}, 1, "appeared 3; "},
        {"already gone", {{.error = unknown}}, 1, ""},
        {"the query was rejected",
         {{.error = busy}, alive},
         2,
         "failed to query logind for a session: not now; appeared 3; "},
        {"twice",
         {{.error = busy}, {.error = busy}},
         2,
         "failed to query logind for a session: not now; failed to query logind for a session: not now; "},
        {"rejected, then gone",
         {{.error = busy}, {.error = unknown}},
         2,
         "failed to query logind for a session: not now; "},
        {"its leader died", {dead, dead}, 2, "appeared 3, dead; "},
        {"a logout",
         {dead, {.error = {}, .state = "closing", .leader = dead.leader}},
         2,
         "appeared 3, closing, dead; "},
        {"a completed logout", {dead, {.error = unknown}}, 2, ""},
        {"a logout, immediately",
         {{.error = {}, .state = "closing", .leader = dead.leader}},
         1,
         "appeared 3, closing, dead; "},
        {"dead, then rejected", {dead, {.error = busy}}, 2, "failed to query logind for a session: not now; "},
    };
    for (const Case& test : cases) {
        Bench bench(test.says);
        EXPECT(bench.catches_up(), test.name);
        EXPECT_TEXT(bench.log, "listed; " + std::string(test.log) + "caught up; ");
        EXPECT(bench.asked == test.asked, test.name);
    }
}

SESSLIMIT_TEST(unicast_signal_not_treated_as_logind) {
    Bench bench({{}, {}});
    EXPECT(bench.catches_up(), bench.log);
    bench.log.clear();
    Party stranger(bench.loop, bench.bus);
    const char* us = bench.us.c_str();
    stranger.tell(us, path, manager, "SessionNew", "so", "3", session_path);
    stranger.tell(us, path, manager, "SessionRemoved", "so", "3", session_path);
    stranger.tell(us, "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged", "sss", name, "", ":1.1");
    stranger.settle();
    bench.party.tell(nullptr, path, manager, "SessionNew", "so", "3", session_path);
    EXPECT(run_until(bench.loop, [&] { return bench.log.find("appeared 3; ") != std::string::npos; }), bench.log);
    bench.party.tell(nullptr, path, manager, "SessionRemoved", "so", "3", session_path);
    EXPECT(run_until(bench.loop, [&] { return bench.log.find("gone 3; ") != std::string::npos; }), bench.log);
    EXPECT_TEXT(bench.log, "appeared 3; gone 3; ");
    EXPECT(bench.asked == 2, "once for the list and once for the signal");
}

SESSLIMIT_TEST(idle_stop_read_at_connection_and_with_new_session) {
    constexpr std::uint64_t minute = 60'000'000;
    Bench bench({{}, {}});
    EXPECT(bench.logind.idle_stop() == logind::IdleStop{}, "off before the first answer");
    bench.settings = {{"StopIdleSessionUSec", 10 * minute}, {"IdleActionUSec", 30 * minute}};
    EXPECT(bench.catches_up(), bench.log);
    EXPECT(run_until(bench.loop, [&] { return bench.logind.idle_stop().action == std::chrono::minutes(30); }), "read");
    EXPECT(bench.logind.idle_stop().stop == std::chrono::minutes(10), "read in order");
    bench.settings["StopIdleSessionUSec"] = UINT64_MAX; // logind has reloaded its configuration
    bench.party.tell(nullptr, path, manager, "SessionNew", "so", "3", session_path);
    EXPECT(run_until(bench.loop, [&] { return bench.logind.idle_stop().stop == unlimited_duration; }), "read again");
    bench.settings = {}; // as in systemd before 252
    bench.party.tell(nullptr, path, manager, "SessionNew", "so", "3", session_path);
    bench.party.settle();
    EXPECT(bench.log.find("failed") == std::string::npos, bench.log);
}

/// Returns logind's answer to the query, such as "3 active" or "nothing", and the reports made in the meantime.
std::string asked(Bench& bench, bool by_pid) {
    std::string answer;
    const auto then = [&answer](const std::optional<core::LogindSession>& session) {
        answer = session ? session->id + (session->closing ? " closing" : " active") : "nothing";
    };
    bench.log.clear();
    by_pid ? bench.logind.ask_session_of(getpid(), then) : bench.logind.ask_session("3", then);
    (void)run_until(bench.loop, [&] { return !answer.empty(); });
    return answer + "; " + bench.log;
}

SESSLIMIT_TEST(ask_session_reports_every_answer_once) {
    struct Case {
        std::string_view name;
        Say say;
        std::string pid_error;
        std::string_view by_id;
        std::string_view by_pid;
    };
    const Case cases[] = {
        {"active", {}, {}, "3 active; ", "3 active; "},
        {"closing", {.error = {}, .state = "closing"}, {}, "3 closing; ", "3 closing; "},
        {"gone", {.error = "org.freedesktop.login1.NoSuchSession"}, {}, "nothing; gone 3; ", "nothing; "},
        {"without a session", {}, "org.freedesktop.login1.NoSessionForPID", "3 active; ", "nothing; "},
        {"busy",
         {.error = "org.freedesktop.DBus.Error.LimitsExceeded"},
         {},
         "nothing; failed to query logind for a session: not now; ",
         "nothing; failed to query logind for a session: not now; "},
    };
    for (const Case& test : cases) {
        Bench bench(std::deque{Say{}});
        EXPECT(bench.catches_up(), test.name);
        bench.pid_error = test.pid_error;
        bench.says = {test.say};
        EXPECT_TEXT(asked(bench, false), test.by_id);
        bench.says = {test.say};
        EXPECT_TEXT(asked(bench, true), test.by_pid);
    }
}

} // namespace
