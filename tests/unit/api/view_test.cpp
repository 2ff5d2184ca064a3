// SPDX-License-Identifier: MIT
#include "daemon/api/view.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <algorithm>

namespace {

using namespace sesslimit;
using namespace sesslimit::api;
using namespace std::chrono_literals;

constexpr WallClock moment{.now = BootTime(1h), .wall_offset = 1000h};

core::Session live() {
    core::Session session;
    session.key = SessionKey{7};
    session.phase = core::Phase::active;
    session.logind_id = "3";
    session.scope = "session-3.scope";
    session.login.user = "alice";
    session.login.connection = "192.0.2.7 4711 192.0.2.1 22";
    session.opened = session.last_input = BootTime(50min);
    session.idle_timeout = 30min;
    session.idle_timeout_no_terminal = 20min;
    return session;
}

template <class T>
T value(const Properties& all, std::string_view name) {
    const auto at = std::ranges::find(all, name, &Properties::value_type::first);
    return at == all.end() ? T{} : std::get<T>(at->second);
}

/// Returns the time in microseconds since the epoch.
std::uint64_t wall(Duration boottime) {
    return static_cast<std::uint64_t>((boottime + moment.wall_offset).count());
}

void idle_properties_follow_sign_of_activity() {
    using core::Terminal;
    struct Case {
        const char* sign;
        Terminal terminal;
        bool graphical;
        bool connected;
        std::uint64_t limit;
        std::uint64_t ends;
    };
    const auto usec = [](Duration span) { return static_cast<std::uint64_t>(span.count()); };
    const Case cases[] = {
        {"terminal", Terminal::some, false, true, usec(30min), wall(80min)},
        {"connection", Terminal::none, false, true, usec(20min), wall(70min)},
        {"none", Terminal::none, false, false, usec(20min), infinity},
        {"hint", Terminal::none, true, false, usec(30min), wall(80min)},
        {"", Terminal::unknown, false, true, usec(20min), wall(70min)},
    };
    for (const Case& one : cases) {
        core::Session session = live();
        session.terminal = one.terminal;
        session.graphical = one.graphical;
        session.login.connection = one.connected ? session.login.connection : "";
        const Properties all = properties(session, {}, {}, moment, Visibility::any_caller);
        EXPECT_TEXT(value<std::string>(all, "IdleSign"), one.sign);
        EXPECT(value<std::uint64_t>(all, "IdleTimeout") == one.limit, one.sign);
        EXPECT(value<std::uint64_t>(all, "IdleEndsAt") == one.ends, one.sign);
        EXPECT(value<std::uint64_t>(all, "IdleSince") == 0, "no terminal was probed");
    }
}

void input_shown_before_next_probe() {
    core::Session session = live();
    session.terminal = core::Terminal::unknown;
    const inspect::TerminalSnapshot presence{.terminals = {"pts/1"}, .input = 55min + moment.wall_offset};
    const Properties all = properties(session, {}, presence, moment, Visibility::any_caller);
    EXPECT_TEXT(value<std::string>(all, "IdleSign"), "terminal");
    EXPECT(value<std::uint64_t>(all, "IdleSince") == wall(55min), "time of the key");
    EXPECT(value<std::uint64_t>(all, "IdleEndsAt") == wall(85min), "and the resulting end");
}

void process_names_escaped() {
    const inspect::TerminationPreview reach{.processes = 3,
                                            .commands = {"bash", "\033[2J"},
                                            .multiplexed = {"tmux: server"},
                                            .units = {"run-r1.service"},
                                            .lingers = true};
    policy::Limits limits;
    limits.keep_multiplexer.value = policy::KeepMultiplexer::yes;
    const Properties all = termination_preview_properties(reach, limits);
    using Texts = std::vector<std::string>;
    EXPECT(value<std::uint32_t>(all, "Processes") == 3, "process count");
    EXPECT((value<Texts>(all, "Commands") == Texts{"bash", "\\x1b[2J"}), "commands");
    EXPECT((value<Texts>(all, "Multiplexed") == Texts{"tmux: server"}), "multiplexed commands");
    EXPECT(value<bool>(all, "KeepMultiplexer"), "the policy");
    EXPECT((value<Texts>(all, "OtherUnits") == Texts{"run-r1.service"}), "other units");
    EXPECT(value<bool>(all, "Lingers"), "lingering");
    EXPECT(!value<bool>(termination_preview_properties({}, {}), "KeepMultiplexer"), "off by default");
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(idle_properties_follow_sign_of_activity),
        SESSLIMIT_TEST(input_shown_before_next_probe),
        SESSLIMIT_TEST(process_names_escaped),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
