// SPDX-License-Identifier: MIT
#include "daemon/api/view.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

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

/// Returns the properties that name sources of activity: "input network, last channel".
std::string sources_in(const Properties& all) {
    std::string text;
    for (const std::string& source : value<std::vector<std::string>>(all, "ActivitySources")) {
        text += source + " ";
    }
    return text + "last " + value<std::string>(all, "LastActivity");
}

SESSLIMIT_TEST(idle_properties_follow_sources_of_activity) {
    using core::Terminal;
    struct Case {
        const char* sources;
        Terminal terminal;
        bool graphical;
        bool connected;
        std::uint64_t limit;
        std::uint64_t ends;
    };
    const auto usec = [](Duration span) { return static_cast<std::uint64_t>(span.count()); };
    const Case cases[] = {
        {"input network last ", Terminal::some, false, true, usec(30min), wall(80min)},
        {"network channel cpu last ", Terminal::none, false, true, usec(20min), wall(70min)},
        {"last ", Terminal::none, false, false, usec(20min), infinity},
        {"hint last ", Terminal::none, true, false, usec(30min), wall(80min)},
        {"last ", Terminal::unknown, false, true, usec(20min), wall(70min)},
    };
    for (const Case& one : cases) {
        core::Session session = live();
        session.terminal = one.terminal;
        session.graphical = one.graphical;
        core::SessionTraffic traffic;
        traffic.sockets.sampled = BootTime(50min);
        traffic.connection.sampled = one.connected ? BootTime(50min) : BootTime{};
        session.traffic = std::make_shared<const core::SessionTraffic>(traffic);
        const Properties all = properties(session, {}, {}, moment, Visibility::any_caller);
        EXPECT_TEXT(sources_in(all), one.sources);
        EXPECT(value<std::uint64_t>(all, "IdleTimeout") == one.limit, one.sources);
        EXPECT(value<std::uint64_t>(all, "IdleEndsAt") == one.ends, one.sources);
        const bool is_known = std::string_view(one.sources) != "last ";
        EXPECT(value<std::uint64_t>(all, "IdleSince") == (is_known ? wall(50min) : 0), one.sources);
    }
}

SESSLIMIT_TEST(input_shown_before_next_probe) {
    core::Session session = live();
    session.terminal = core::Terminal::unknown;
    const inspect::TerminalSnapshot presence{.terminals = {"pts/1"}, .input = 55min + moment.wall_offset};
    const Properties all = properties(session, {}, presence, moment, Visibility::any_caller);
    EXPECT_TEXT(sources_in(all), "input last input");
    EXPECT(value<std::uint64_t>(all, "IdleSince") == wall(55min), "time of the key");
    EXPECT(value<std::uint64_t>(all, "IdleEndsAt") == wall(85min), "and the resulting end");
}

/// Data at 55 min may turn out to be background traffic. Unless the limit would then have expired before, the shown end
/// is the earlier one.
SESSLIMIT_TEST(shown_end_is_earliest_possible_one) {
    for (const Duration earliest : {Duration(40min), Duration(29min)}) {
        core::Session session = live();
        session.terminal = core::Terminal::some;
        session.last_input = BootTime(20min);
        core::SessionTraffic traffic;
        traffic.use = {.last = BootTime(55min), .earliest = BootTime(earliest)};
        session.traffic = std::make_shared<const core::SessionTraffic>(traffic);
        const Properties all = properties(session, {}, {}, moment, Visibility::any_caller);
        EXPECT(value<std::uint64_t>(all, "IdleEndsAt") == wall(earliest == 40min ? 70min : 85min),
               std::to_string(earliest / 1min));
    }
}

SESSLIMIT_TEST(cockpit_session_shows_no_idle_limit) {
    core::Session session = live();
    session.terminal = core::Terminal::some;
    session.login.service = "cockpit";
    const Properties all = properties(session, {}, {}, moment, Visibility::any_caller);
    EXPECT_TEXT(sources_in(all), "last ");
    EXPECT(value<std::uint64_t>(all, "IdleEndsAt") == infinity, "no end");
}

SESSLIMIT_TEST(case_D10_properties_carry_valid_utf8_unchanged) {
    core::Session session = live();
    session.login.user = "CORP\\alice";
    session.login.rhost = "h\xFF";
    const Properties named = properties(session, {}, {}, moment, Visibility::any_caller);
    EXPECT_TEXT(value<std::string>(named, "User"), "CORP\\alice");
    EXPECT_TEXT(value<std::string>(named, "Origin"), "h\\xff");
    const inspect::TerminationPreview reach{.processes = 3,
                                            .commands = {"bash", "\033[2J", "\xFF"},
                                            .kept = {"tmux: server"},
                                            .units = {"run-r1.service"},
                                            .lingers = true};
    policy::Limits limits;
    limits.keep.value.programs = {"tmux"};
    const Properties all = termination_preview_properties(reach, limits);
    using Texts = std::vector<std::string>;
    EXPECT(value<std::uint32_t>(all, "Processes") == 3, "process count");
    EXPECT((value<Texts>(all, "Commands") == Texts{"bash", "\033[2J", "\\xff"}), "commands");
    EXPECT((value<Texts>(all, "Kept") == Texts{"tmux: server"}), "kept commands");
    EXPECT((value<Texts>(all, "Keep") == Texts{"tmux"}), "the policy");
    EXPECT((value<Texts>(all, "OtherUnits") == Texts{"run-r1.service"}), "other units");
    EXPECT(value<bool>(all, "Lingers"), "lingering");
    EXPECT(value<Texts>(termination_preview_properties({}, {}), "Keep").empty(), "off by default");
}

SESSLIMIT_TEST(requester_of_termination_has_id_and_name) {
    core::Session session = live();
    session.reason = {.cause = core::Cause::requested, .count = 1002, .span = {}, .by = "bob (as root)"};
    EXPECT_TEXT(value<std::string>(properties(session, {}, {}, moment, Visibility::owner), "RequestedBy"), "");
    session.phase = core::Phase::ending;
    for (const char* name : {"bob", ""}) { // the name is unknown after a restart of the daemon
        session.reason.person = name;
        const Properties all = properties(session, {}, {}, moment, Visibility::any_caller);
        EXPECT(value<std::uint32_t>(all, "RequestedByUid") == 1002, name);
        EXPECT_TEXT(value<std::string>(all, "RequestedBy"), *name == '\0' ? "UID 1002" : name);
    }
    const core::Notice notice{.kind = core::Notice::Kind::ending, .session = session, .reason = session.reason};
    const Properties told = signal_properties(notice, {}, {}, moment);
    EXPECT(std::ranges::count(told, "RequestedBy", &Properties::value_type::first) == 1, "once in a signal");
}

/// Between the logout and the exit of its leader, a session may occupy a slot, but it is no longer open.
SESSLIMIT_TEST(session_that_is_closed_not_listed) {
    core::Session session = test::session_in(core::Phase::closed);
    session.counts_left_behind = true;
    session.logged_out = test::start;
    EXPECT(core::occupies_slot(session) && !api::is_listed(session), "closed");
    session.phase = core::Phase::left_behind;
    EXPECT(api::is_listed(session), "left behind");
}

SESSLIMIT_TEST(last_activity_belongs_to_idle_since) {
    core::Session session = live();
    session.terminal = core::Terminal::some;
    session.last_input = BootTime(40min);
    session.last_source = core::Source::input;
    core::SessionTraffic traffic;
    traffic.sockets.sampled = BootTime(55min);
    traffic.connection.sampled = BootTime(55min);
    // a key on the connection at 45 min, and data on a socket at 55 min that may be background traffic
    traffic.use = {.last = BootTime(55min),
                   .earliest = BootTime(45min),
                   .source = core::TrafficSource::network,
                   .earliest_source = core::TrafficSource::keys};
    session.traffic = std::make_shared<const core::SessionTraffic>(traffic);
    const Properties all = properties(session, {}, {}, moment, Visibility::any_caller);
    EXPECT(value<std::uint64_t>(all, "IdleSince") == wall(45min), "since");
    EXPECT_TEXT(value<std::string>(all, "LastActivity"), "input");
}

} // namespace
