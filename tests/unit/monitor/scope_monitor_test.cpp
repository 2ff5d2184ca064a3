// SPDX-License-Identifier: MIT
#include "daemon/monitor/scope_monitor.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/descriptors.hpp"
#include "tests/unit/support/function_sink.hpp"
#include "tests/unit/support/loop_bench.hpp"

#include <fstream>
#include <vector>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;

constexpr SessionKey one{1};
constexpr SessionKey two{2};

/// Directory that stands for a control group. inotify reports changes of an ordinary file in the same way.
struct Group {
    TemporaryDirectory directory;

    explicit Group(bool populated) { set(populated); }
    void set(bool populated) const {
        std::ofstream(directory.path / "cgroup.events") << "populated " << populated << "\nfrozen 0\n";
    }
};

struct Bench {
    EventLoop loop = make_loop();
    std::vector<SessionKey> empty;
    FunctionSink events{
        [this](const core::Event& event) { empty.push_back(std::get<core::ScopeEmptied>(event).session); }};
    monitor::ScopeMonitor scopes{loop.get(), events};
};

SESSLIMIT_TEST(empty_scope_reported_once) {
    Bench bench;
    const Group first(true);
    const Group second(true);
    EXPECT(bench.scopes.track(one, first.directory.path).value(), "tracked");
    EXPECT(bench.scopes.track(one, first.directory.path).value(), "already tracked");
    EXPECT(bench.scopes.track(two, second.directory.path).value(), "another scope");
    second.set(true);
    run_ready(bench.loop);
    EXPECT(bench.empty.empty(), "processes run in both");
    first.set(false);
    EXPECT(run_until(bench.loop, [&] { return !bench.empty.empty(); }) && bench.empty.at(0) == one, "empty");
    EXPECT(!bench.scopes.tracks(one) && bench.scopes.tracks(two), "only the other one is tracked");
    second.set(false);
    bench.scopes.untrack(two);
    run_ready(bench.loop);
    EXPECT(bench.empty.size() == 1, "an untracked scope is not reported");
}

SESSLIMIT_TEST(scope_without_processes_not_tracked) {
    Bench bench;
    const Group group(false);
    EXPECT(!bench.scopes.track(one, group.directory.path).value(), "empty");
    EXPECT(!bench.scopes.track(one, group.directory.path / "gone").value(), "does not exist");
    EXPECT(!bench.scopes.tracks(one), "not tracked");
}

/// Without descriptors it is unknown if the scope is empty. The monitor asks again.
SESSLIMIT_TEST(scope_tracked_after_error) {
    Bench bench;
    const Group group(true);
    const bool is_error =
        with_descriptors(0, [&] { return !bench.scopes.track(one, group.directory.path).has_value(); });
    EXPECT(is_error && bench.scopes.tracks(one), "it will be tracked");
    group.set(false);
    EXPECT(run_until(bench.loop, [&] { return !bench.empty.empty(); }) && bench.empty.at(0) == one, "empty");
}

SESSLIMIT_TEST(scope_not_tracked_without_descriptors) {
    const EventLoop loop = make_loop();
    FunctionSink events{[](const core::Event&) {}};
    const Group group(true);
    const bool is_error = with_descriptors(0, [&] {
        monitor::ScopeMonitor scopes{loop.get(), events};
        return !scopes.track(one, group.directory.path).has_value();
    });
    EXPECT(is_error, "an error");
}

} // namespace
