// SPDX-License-Identifier: MIT
#include "daemon/idle_stop_check.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/function_sink.hpp"

#include <optional>
#include <string_view>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace std::chrono_literals;

/// A session that is closed, and the settings of logind.
struct Closed {
    logind::IdleStop settings{.stop = 10min, .action = 30min};
    bool known = true;
    std::string logind_id = "c1";
    bool graphical = false;
    /// Time without input on its terminal, if logind was stopping the session before PAM closed it.
    std::optional<Duration> idle = 10min;
};

std::optional<Duration> checked(const Closed& closed) {
    std::optional<Duration> found;
    core::Session session;
    session.logind_id = closed.logind_id;
    session.graphical = closed.graphical;
    FunctionSink sink{[&](core::Event event) { found = std::get<core::CloseRequested>(event).idle_stop; }};
    IdleStopCheck check{
        {.events = sink,
         .settings = [&] { return closed.settings; },
         .find = [&](const auto&) { return closed.known ? &session : nullptr; },
         .idle_if_stopping = [&](const std::string& id) { return id == "c1" ? closed.idle : std::nullopt; }}};
    check.handle(core::CloseRequested{RequestId{1}, SessionKey{1}, {}});
    return found;
}

SESSLIMIT_TEST(idle_stop_concluded_from_settings_and_idle_time) {
    struct Case {
        std::string_view about;
        Closed closed;
        std::optional<Duration> stop;
    };
    const Case cases[] = {
        {"idle for StopIdleSessionSec", {}, 10min},
        {"input in time", {.idle = 10min - 1us}, std::nullopt},
        {"a logout, or logind knows no terminal", {.idle = std::nullopt}, std::nullopt},
        {"StopIdleSessionSec is not set", {.settings = {.action = 30min}, .idle = 2h}, std::nullopt},
        {"IdleActionSec is shorter", {.settings = {.stop = 1h, .action = 30min}, .idle = 30min}, 1h},
        {"not idle by either", {.settings = {.stop = 1h, .action = 30min}, .idle = 29min}, std::nullopt},
        {"IdleActionSec=0", {.settings = {.stop = 1h, .action = 0s}, .idle = 30min}, std::nullopt},
        {"IdleActionSec=0, idle", {.settings = {.stop = 1h, .action = 0s}, .idle = 1h}, 1h},
        {"a graphical session", {.graphical = true}, std::nullopt},
        {"not a session of logind", {.logind_id = ""}, std::nullopt},
        {"an unknown session", {.known = false}, std::nullopt},
    };
    for (const Case& one : cases) {
        EXPECT(checked(one.closed) == one.stop, one.about);
    }
}

SESSLIMIT_TEST(other_events_forwarded) {
    std::optional<core::Event> found;
    FunctionSink sink{[&](core::Event event) { found = std::move(event); }};
    IdleStopCheck check{
        {.events = sink, .settings = [] { return logind::IdleStop{}; }, .find = nullptr, .idle_if_stopping = nullptr}};
    check.handle(core::RequestAborted{RequestId{7}});
    EXPECT(found && std::get<core::RequestAborted>(*found).request == RequestId{7}, "unchanged");
    check.handle(core::CloseRequested{RequestId{8}, SessionKey{1}, {}});
    EXPECT(!std::get<core::CloseRequested>(*found).idle_stop, "no look-up if logind does not stop idle sessions");
}

} // namespace
