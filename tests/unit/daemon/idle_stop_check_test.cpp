// SPDX-License-Identifier: MIT
#include "daemon/idle_stop_check.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/function_sink.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace std::chrono_literals;

/// A session that ends, and the settings of logind.
struct Ended {
    logind::IdleStop settings{.stop = 10min, .action = 30min};
    bool known = true;
    std::string logind_id = "c1";
    bool graphical = false;
    /// Absent if logind knows no terminal.
    std::optional<inspect::LogindIdle> state = inspect::LogindIdle{.is_stopping = true, .idle = 10min};
};

/// Returns "closed" and "exited" if the stop is concluded when PAM closes the session, or when its leader exits.
std::string concluded(const Ended& ended) {
    std::string found;
    core::Session session;
    session.logind_id = ended.logind_id;
    session.graphical = ended.graphical;
    const auto is_stop = [&](const auto& event) { return event.idle_stop == ended.settings.stop; };
    FunctionSink sink{[&](const core::Event& event) {
        if (const auto* closed = std::get_if<core::CloseRequested>(&event)) {
            found += is_stop(*closed) ? "closed " : "";
        } else {
            found += is_stop(std::get<core::LeaderExited>(event)) ? "exited " : "";
        }
    }};
    IdleStopCheck check{{.events = sink,
                         .settings = [&] { return ended.settings; },
                         .closed = [&](const auto&) { return ended.known ? &session : nullptr; },
                         .exited = [&](const auto&) { return ended.known ? &session : nullptr; },
                         .state = [&](const std::string& id) { return id == "c1" ? ended.state : std::nullopt; }}};
    check.handle(core::CloseRequested{RequestId{1}, SessionKey{1}, {}});
    check.handle(core::LeaderExited{SessionKey{1}});
    return found;
}

SESSLIMIT_TEST(idle_stop_concluded_from_settings_and_idle_time) {
    using State = inspect::LogindIdle;
    struct Case {
        std::string_view about;
        Ended ended;
        std::string_view found;
    };
    const logind::IdleStop hour{.stop = 1h, .action = 30min};
    const Case cases[] = {
        {"idle for StopIdleSessionSec", {}, "closed exited "},
        {"input in time", {.state = State{.is_stopping = true, .idle = 10min - 1us}}, ""},
        {"not stored yet", {.state = State{.idle = 10min}}, "closed exited "},
        {"a logout", {.state = State{.idle = 10min - 1us}}, ""},
        {"logind knows no terminal", {.state = std::nullopt}, ""},
        {"StopIdleSessionSec is not set", {.settings = {.action = 30min}}, ""},
        {"IdleActionSec", {.settings = hour, .state = State{.is_stopping = true, .idle = 30min}}, "closed exited "},
        {"IdleActionSec, not stopping", {.settings = hour, .state = State{.idle = 30min}}, ""},
        {"shorter than both", {.settings = hour, .state = State{.is_stopping = true, .idle = 29min}}, ""},
        {"IdleActionSec=0", {.settings = {.stop = 1h}, .state = State{.is_stopping = true, .idle = 30min}}, ""},
        {"a graphical session", {.graphical = true}, ""},
        {"not a session of logind", {.logind_id = ""}, ""},
        {"an unknown session", {.known = false}, ""},
    };
    for (const Case& one : cases) {
        const std::string about = std::string(one.about) + ": ";
        EXPECT_TEXT(about + concluded(one.ended), about + std::string(one.found));
    }
}

SESSLIMIT_TEST(other_events_forwarded) {
    std::optional<core::Event> found;
    FunctionSink sink{[&](core::Event event) { found = std::move(event); }};
    IdleStopCheck check{
        {.events = sink, .settings = [] { return logind::IdleStop{}; }, .closed = {}, .exited = {}, .state = {}}};
    check.handle(core::RequestAborted{RequestId{7}});
    EXPECT(found && std::get<core::RequestAborted>(*found).request == RequestId{7}, "unchanged");
    check.handle(core::CloseRequested{RequestId{8}, SessionKey{1}, {}});
    EXPECT(!std::get<core::CloseRequested>(*found).idle_stop, "no look-up if logind does not stop idle sessions");
}

} // namespace
