// SPDX-License-Identifier: MIT
#include "daemon/missed_notices.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/loop_bench.hpp"

#include <fstream>
#include <optional>
#include <sstream>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace std::chrono_literals;

struct Bench {
    EventLoop loop = make_loop();
    std::optional<Worker> worker = std::move(Worker::start(loop.get())).value();
    std::string written;
    std::string failures;
    bool has_terminal = true;
    int attempts = 0;
    MissedNotices notices;

    explicit Bench(const std::filesystem::path& file)
        : notices({.loop = loop.get(),
                   .worker = *worker,
                   .file = file,
                   .write =
                       [this](const core::Session& session, std::string_view text) {
                           ++attempts;
                           if (has_terminal) {
                               written += std::to_string(session.login.uid) + " reads " + std::string(text) + "; ";
                           }
                           return has_terminal;
                       },
                   .failed = [this](const Error& error) { failures += error.what; },
                   .terminal_delay = 10ms}) {}

    bool reads(std::string_view text) {
        return run_until(loop, [&] { return written == text; });
    }
};

core::Session session_of(uid_t user) {
    core::Session session;
    session.login.uid = user;
    return session;
}

std::string content_of(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

SESSLIMIT_TEST(reason_shown_once_after_restart) {
    const TemporaryDirectory directory;
    const auto file = directory.path / "missed-reasons";
    {
        Bench bench(file);
        bench.notices.keep(1001, "first");
        bench.notices.keep(1001, "second"); // while the first one is written
        EXPECT(run_until(bench.loop, [&] { return content_of(file).ends_with(" second\n"); }), content_of(file));
        bench.worker->stop();
    }
    Bench bench(file);
    bench.notices.load();
    bench.notices.offer(session_of(1001)); // the file has not been read yet
    (void)run_until(bench.loop, [&] { return !content_of(file).empty(); });
    for (int turn = 0; turn < 20; ++turn) { // the result of the worker thread arrives
        (void)sd_event_run(bench.loop.get(), 10'000);
    }
    bench.notices.offer(session_of(1002));
    bench.notices.offer(session_of(1001));
    bench.notices.offer(session_of(1001)); // two logins at the same time
    EXPECT(bench.reads("1001 reads second; "), bench.written);
    EXPECT(run_until(bench.loop, [&] { return content_of(file).empty(); }), "removed from the file");
    bench.notices.offer(session_of(1001));
    run_ready(bench.loop);
    EXPECT_TEXT(bench.written + bench.failures, "1001 reads second; ");
    bench.worker->stop();
}

SESSLIMIT_TEST(reason_without_terminal_kept) {
    const TemporaryDirectory directory;
    Bench bench(directory.path / "missed-reasons");
    bench.notices.keep(1001, "the reason");
    bench.has_terminal = false;
    bench.notices.offer(session_of(1001));
    EXPECT(run_until(bench.loop, [&] { return bench.attempts == 3; }), "three attempts");
    bench.has_terminal = true;
    bench.notices.offer(session_of(1001));
    EXPECT(bench.reads("1001 reads the reason; "), bench.written);
    bench.worker->stop();
}

SESSLIMIT_TEST(error_of_file_reported) {
    const TemporaryDirectory directory;
    Bench bench(directory.path / "missing" / "missed-reasons");
    bench.notices.load();
    bench.notices.keep(1001, "the reason");
    EXPECT(run_until(bench.loop, [&] { return !bench.failures.empty(); }), "an error");
    bench.notices.offer(session_of(1001));
    EXPECT(bench.reads("1001 reads the reason; "), "shown nevertheless");
    bench.worker->stop();
}

} // namespace
