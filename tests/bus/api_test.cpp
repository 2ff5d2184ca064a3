// SPDX-License-Identifier: MIT
#include "daemon/api/authority.hpp"
#include "daemon/api/errors.hpp"
#include "daemon/api/service.hpp"
#include "tests/bus/party.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"
#include "tests/unit/support/loop_bench.hpp"

#include <fstream>
#include <string>
#include <string_view>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using core::Phase;

/// A simulated daemon with a state. Requests to it are appended to `log`.
struct Daemon final : api::Backend {
    World world;
    inspect::TerminalSnapshot seen;
    inspect::TerminationPreview reached;
    std::string log;
    uid_t requester = 0; ///< user ID of the last requester
    std::string message; ///< message of the last requester

    [[nodiscard]] const core::State& state() const override { return world.state; }
    [[nodiscard]] const policy::Policy& policy() const override { return world.policy; }
    [[nodiscard]] api::Status status() const override { return {}; }
    [[nodiscard]] api::WallClock moment() const override {
        return {.now = world.now, .wall_offset = world.wall_offset};
    }
    const inspect::TerminalSnapshot& terminal_snapshot(const core::Session&) override { return seen; }
    const inspect::TerminationPreview& termination_preview(const core::Session&) override { return reached; }
    void end(SessionKey key, const core::Requester& by) override {
        log += "end " + std::to_string(std::to_underlying(key)) + " by " + by.name + "; ";
        requester = by.uid;
        message = by.message;
    }
    void reload(std::function<void(Result<>)> then) override { then({}); }
    bool look_up(uid_t caller, api::ExplainQuery question, std::function<void(std::optional<Login>)>) override {
        const std::string& user = question.login.user;
        log += "look " + (user.empty() ? "uid " + std::to_string(question.uid.value()) : user) + " up for " +
               std::to_string(caller) + "; ";
        return false;
    }
};

/// Sets the login UID of the calling process, which later connections to the bus have. Returns false if the kernel or
/// the permissions of the process do not allow this.
bool set_login_uid(const char* uid) {
    std::ofstream file("/proc/self/loginuid");
    file << uid << std::flush;
    return static_cast<bool>(file);
}

constexpr const char* no_login_uid = "4294967295";

struct Bench {
    PrivateBus bus;
    EventLoop loop = make_loop();
    Daemon daemon;
    std::string failures;
    Party party{loop, bus};
    std::unique_ptr<api::Service> service;

    Bench() {
        (void)set_login_uid(no_login_uid);
        make_system_bus(bus);
        service =
            std::make_unique<api::Service>(loop.get(), [this](const Error& error) { failures += error.what + "; "; });
        service->open(daemon);
    }

    /// Returns the error name of the reply to this call of the manager. Returns "" on success and "-" without a reply.
    template <class... Values>
    std::string call(const char* method, const char* types, Values... values) {
        std::string answer = "-";
        (void)sd_bus_call_method_async(
            party.get(), nullptr, "org.sesslimit1", "/org/sesslimit1", "org.sesslimit1.Manager", method,
            [](sd_bus_message* m, void* data, sd_bus_error*) {
                const sd_bus_error* error = sd_bus_message_get_error(m);
                *static_cast<std::string*>(data) = error == nullptr ? "" : error->name;
                return 0;
            },
            &answer, types, values...);
        (void)run_until(loop, [&] { return answer != "-"; });
        return answer;
    }

    /// Calls a method that terminates sessions, with an option if its name is not empty.
    std::string end(const char* method, const char* target, const char* option = "", const char* type = "s",
                    const char* value = "") {
        return *option == '\0' ? call(method, "sa{sv}", target, 0)
                               : call(method, "sa{sv}", target, 1, option, type, value);
    }

    /// Waits until the service has acquired its name. Before that, the bus reports that the name does not have an
    /// owner.
    bool is_up() {
        return run_until(loop, [&] { return sd_bus_get_name_creds(party.get(), "org.sesslimit1", 0, nullptr) >= 0; });
    }
};

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
        {Phase::denied, "k1", api::error_no_such_session, ""},
    };
    Bench bench;
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
    Bench bench;
    EXPECT(bench.is_up(), bench.failures);
    bench.daemon.world.state.put(session_in(Phase::active));
    for (const char* method : {"EndSession", "EndUser", "EndCredential"}) {
        const std::string_view name = method;
        const char* target = name == "EndSession" ? "c1" : name == "EndUser" ? "alice" : "cert-id:x";
        for (const Case& test : cases) {
            bench.daemon.message = "-";
            const std::string about = std::string(method) + ", " + test.about + ": ";
            EXPECT_TEXT(about + bench.end(method, target, test.option, test.type, test.text.c_str()),
                        about + std::string(test.answer));
            const bool is_read = test.answer.empty() && name != "EndCredential";
            EXPECT_TEXT(about + bench.daemon.message, about + (is_read ? test.text : "-"));
        }
    }
    EXPECT_TEXT(bench.failures, "");
}

SESSLIMIT_TEST(case_D11_requester_named_by_login_uid) {
    struct Case {
        const char* login_uid;
        std::string_view log;
        uid_t requester;
    };
    const Case cases[] = {
        {"1001", "end 1 by alice (as root); ", 1001},
        {"1002", "end 1 by UID 1002 (as root); ", 1002},
        {"0", "end 1 by root; ", 0},
        {no_login_uid, "end 1 by root; ", 0},
    };
    Bench bench;
    EXPECT(bench.is_up(), bench.failures);
    bench.daemon.world.state.put(session_in(Phase::active));
    for (const Case& test : cases) {
        if (!set_login_uid(test.login_uid)) {
            skip();
        }
        bench.daemon.log.clear();
        EXPECT_TEXT(bench.end("EndSession", "c1"), "");
        EXPECT_TEXT(bench.daemon.log, test.log);
        EXPECT(bench.daemon.requester == test.requester, test.login_uid);
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
    Bench bench;
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
    Bench bench;
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
    Bench bench;
    EXPECT(bench.is_up(), bench.failures);
    EXPECT_TEXT(bench.call("Explain", "a{sv}", 1, "User", "s", "alice"), api::error_busy);
    EXPECT_TEXT(bench.daemon.log, "look alice up for 0; ");
    EXPECT_TEXT(bench.failures, "");
}

/// The calls do not expect replies, so that the bus does not limit their number.
SESSLIMIT_TEST(many_calls_of_one_connection_do_not_block_others) {
    constexpr std::size_t many = 2 * api::Authority::max_identified;
    Bench bench;
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
