// SPDX-License-Identifier: MIT
#include "common/process.hpp"
#include "daemon/nested_login.hpp"
#include "tests/bus/party.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/function_sink.hpp"
#include "tests/unit/support/loop_bench.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;

constexpr const char* session_path = "/org/freedesktop/login1/session/_33";

/// logind's answer about the session of the process that logs in.
struct Known {
    bool session = true; ///< the process belongs to a session
    pid_t leader = getpid();
    std::uint32_t uid = 1001;
    std::string session_class = "user";
};

struct Bench {
    PrivateBus bus;
    EventLoop loop = make_loop();
    Known known;
    Party party;
    logind::Logind logind;
    std::string warned;
    std::vector<core::Event> events;
    FunctionSink sink{[this](core::Event event) { events.push_back(std::move(event)); }};
    NestedLogin nested{{.logind = logind,
                        .events = sink,
                        .is_ignored = [](const std::string& service) { return service == "cron"; },
                        .warn = [this](const std::string& text) { warned += text + "; "; }}};

    Bench()
        : party(loop, at_system_bus(), "org.freedesktop.login1", [this](sd_bus_message* m) { return answer(m); }),
          logind(loop.get(), {.appeared = [](const auto&) {},
                              .gone = [](const auto&) {},
                              .listed = [](const auto&) {},
                              .caught_up = [this] { is_up = true; },
                              .failed = [](const Error&) {}}) {
        logind.connect();
        (void)run_until(loop, [this] { return is_up; });
    }

    const PrivateBus& at_system_bus() {
        make_system_bus(bus);
        return bus;
    }

    int answer(sd_bus_message* call) const {
        constexpr const char* manager = "org.freedesktop.login1.Manager";
        if (sd_bus_message_is_method_call(call, manager, "ListSessions") > 0) {
            return sd_bus_reply_method_return(call, "a(susso)", 0);
        }
        if (sd_bus_message_is_method_call(call, manager, "GetSessionByPID") > 0) {
            return known.session ? sd_bus_reply_method_return(call, "o", session_path)
                                 : sd_bus_reply_method_errorf(call, "org.freedesktop.login1.NoSessionForPID", "none");
        }
        return sd_bus_reply_method_return(call, "a{sv}", 4, "Id", "s", "3", "Leader", "u",
                                          static_cast<std::uint32_t>(known.leader), "User", "(uo)", known.uid, "/x",
                                          "Class", "s", known.session_class.c_str());
    }

    static core::OpenRequested login(std::uint64_t request) {
        core::OpenRequested opened;
        opened.request = RequestId{request};
        opened.login.user = "alice";
        opened.login.uid = 1001;
        opened.login.service = "sshd";
        opened.login.nested = true;
        opened.leader = identify(getpid()).value_or(Leader{});
        opened.budget = std::chrono::seconds(10);
        return opened;
    }

    /// Returns "nested" or "its own" as the check decided about the login, or "" if there was no answer.
    std::string check(const std::string& rhost = "", const std::string& connection = "") {
        events.clear();
        core::OpenRequested opened = login(1);
        opened.login.rhost = rhost;
        opened.login.connection = connection;
        nested.handle(opened);
        (void)run_until(loop, [this] { return !events.empty(); });
        return events.empty() ? "" : std::get<core::OpenRequested>(events.at(0)).login.nested ? "nested" : "its own";
    }

    bool is_up = false;
};

SESSLIMIT_TEST(check_only_leader_of_own_login_not_nested) {
    struct Case {
        std::string_view about;
        Known known;
        bool nested;
    };
    const Case cases[] = {
        {"pam_systemd opened the session of this login", {}, false},
        {"su in a session of another process", {.leader = getppid()}, true},
        {"exec su: the leader is now another user", {.uid = 1002}, true},
        {"not a session in which a user logs in", {.session_class = "background"}, true},
        {"no session", {.session = false}, true},
    };
    for (const Case& one : cases) {
        Bench bench;
        bench.known = one.known;
        EXPECT_TEXT(std::string(one.about) + ": " + bench.check(),
                    std::string(one.about) + ": " + (one.nested ? "nested" : "its own"));
        EXPECT(bench.warned.empty() == one.nested, "a warning only about the placement");
        (void)bench.check();
        EXPECT(one.nested || bench.warned.find("; ") == bench.warned.rfind("; "), "once for each service");
    }
}

SESSLIMIT_TEST(case_B10_remote_login_in_scope_of_other_session_not_nested) {
    for (const bool known : {true, false}) {
        Bench bench;
        bench.known = {.session = known, .leader = getppid()};
        EXPECT_TEXT(bench.check("192.0.2.7", "192.0.2.7 40000 192.0.2.1 2223"), "its own");
        EXPECT_TEXT(bench.check("192.0.2.7"), "its own");
        EXPECT_TEXT(bench.check("", "UNKNOWN 65535 UNKNOWN 65535"), "its own"); // through an AF_UNIX socket
        EXPECT_TEXT(bench.check(), "nested");
        EXPECT_TEXT(bench.warned, "");
    }
}

/// The module has given up. A decision now would deny or displace for a login that has continued without an answer.
SESSLIMIT_TEST(aborted_request_not_passed_on_later) {
    Bench bench;
    bench.nested.handle(Bench::login(7));
    bench.nested.handle(core::RequestAborted{RequestId{7}});
    EXPECT(bench.events.size() == 1 && std::holds_alternative<core::RequestAborted>(bench.events.at(0)), "the abort");
    EXPECT_TEXT(bench.check(), "its own"); // logind answers this request after the first
    EXPECT(bench.events.size() == 1 && std::get<core::OpenRequested>(bench.events.at(0)).request == RequestId{1},
           "not the first request");
}

SESSLIMIT_TEST(login_of_ignored_service_passed_on_without_query) {
    Bench bench;
    core::OpenRequested login = Bench::login(7);
    login.login.service = "cron";
    bench.nested.handle(login);
    EXPECT(bench.events.size() == 1 && std::get<core::OpenRequested>(bench.events.at(0)).login.nested, "at once");
}

} // namespace
