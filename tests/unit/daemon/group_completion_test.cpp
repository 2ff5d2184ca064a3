// SPDX-License-Identifier: MIT
#include "daemon/group_completion.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/function_sink.hpp"
#include "tests/unit/support/loop_bench.hpp"

#include <numeric>
#include <optional>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;

core::OpenRequested login(std::uint64_t request, bool cut) {
    core::OpenRequested opened;
    opened.request = RequestId{request};
    opened.login.user = "alice";
    opened.login.gids = {1, 2};
    opened.login.gids_cut = cut;
    opened.budget = std::chrono::seconds(10);
    return opened;
}

struct Bench {
    EventLoop loop = make_loop();
    std::vector<core::Event> events;
    std::string warned;
    Result<std::vector<gid_t>> found = std::vector<gid_t>{};
    FunctionSink sink{[this](core::Event event) { events.push_back(std::move(event)); }};
    std::optional<Worker> worker = std::move(Worker::start(loop.get())).value();
    GroupCompletion completion{{.worker = *worker,
                                .events = sink,
                                .look_up = [this](const std::string&) { return found; },
                                .warn = [this](const std::string& text) { warned += text; }}};

    Bench() = default;
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;
    ~Bench() { worker->stop(); }

    const Login& forwarded() {
        (void)run_until(loop, [this] { return !events.empty(); });
        return std::get<core::OpenRequested>(events.at(0)).login;
    }
};

SESSLIMIT_TEST(case_B08_groups_of_cut_login_completed) {
    Bench bench;
    bench.found->resize(10'000);
    std::iota(bench.found->begin(), bench.found->end(), 1U);
    bench.completion.handle(login(1, true));
    EXPECT(bench.events.empty(), "forwarded after the lookup");
    EXPECT(bench.forwarded().gids.size() == 10'000 && !bench.forwarded().gids_cut, "all groups");
    EXPECT_TEXT(bench.warned, "");
}

SESSLIMIT_TEST(complete_login_forwarded_at_once) {
    Bench bench;
    bench.completion.handle(login(1, false));
    EXPECT(bench.events.size() == 1 && bench.forwarded().gids.size() == 2, "unchanged");
}

SESSLIMIT_TEST(failed_lookup_keeps_groups_of_module) {
    Bench bench;
    bench.found = fail("no answer", EIO);
    bench.completion.handle(login(1, true));
    EXPECT(bench.forwarded().gids.size() == 2 && bench.forwarded().gids_cut, "still incomplete");
    EXPECT(bench.warned.find("all groups of alice. ") != std::string::npos, bench.warned);
}

SESSLIMIT_TEST(aborted_login_not_forwarded_after_lookup) {
    Bench bench;
    bench.completion.handle(login(1, true));
    bench.completion.handle(core::RequestAborted{RequestId{1}});
    bench.completion.handle(login(2, true));
    (void)run_until(bench.loop, [&bench] { return bench.events.size() >= 2; });
    EXPECT(bench.events.size() == 2 && std::get<core::OpenRequested>(bench.events[1]).request == RequestId{2},
           "the abort, and the other login");
}

} // namespace
