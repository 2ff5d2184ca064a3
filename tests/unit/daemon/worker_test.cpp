// SPDX-License-Identifier: MIT
#include "daemon/worker.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/loop_bench.hpp"

#include <atomic>
#include <csignal>
#include <future>
#include <optional>
#include <thread>
#include <vector>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;

SESSLIMIT_TEST(jobs_run_in_thread_and_complete_on_loop) {
    const EventLoop loop = make_loop();
    std::optional<Worker> worker = std::move(Worker::start(loop.get())).value();
    const auto here = std::this_thread::get_id();
    std::thread::id job_thread;
    std::thread::id done_thread;
    sigset_t blocked{};
    worker->submit([&]() -> Worker::Done {
        job_thread = std::this_thread::get_id();
        pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
        return [&] { done_thread = std::this_thread::get_id(); };
    });
    EXPECT(run_until(loop, [&] { return done_thread != std::thread::id(); }), "done");
    EXPECT(job_thread != here && done_thread == here, "each in its thread");
    EXPECT(sigismember(&blocked, SIGTERM) == 1 && sigismember(&blocked, SIGHUP) == 1,
           "signals are blocked in the worker");
}

SESSLIMIT_TEST(blocked_job_delays_only_other_jobs) {
    const EventLoop loop = make_loop();
    std::promise<void> stuck;
    std::optional<Worker> worker = std::move(Worker::start(loop.get())).value();
    std::vector<int> done;
    worker->submit([&, until = stuck.get_future().share()]() -> Worker::Done {
        until.wait();
        return [&] { done.push_back(1); };
    });
    worker->submit([&]() -> Worker::Done { return [&] { done.push_back(2); }; });
    run_ready(loop);
    EXPECT(done.empty(), "the loop continues");
    stuck.set_value();
    EXPECT(run_until(loop, [&] { return done.size() == 2; }), "both are done");
    EXPECT(done.at(0) == 1 && done.at(1) == 2, "in order");
}

SESSLIMIT_TEST(completion_may_submit_more_jobs) {
    const EventLoop loop = make_loop();
    std::optional<Worker> worker = std::move(Worker::start(loop.get())).value();
    int rounds = 0;
    std::function<Worker::Done()> job = [&]() -> Worker::Done {
        return [&] {
            if (++rounds < 100) {
                worker->submit(job);
            }
        };
    };
    worker->submit(job);
    EXPECT(run_until(loop, [&] { return rounds == 100; }), std::to_string(rounds));
}

SESSLIMIT_TEST(destruction_waits_only_for_running_job) {
    const EventLoop loop = make_loop();
    std::atomic<int> begun{0};
    std::atomic<int> ended{0};
    std::promise<void> running;
    {
        std::optional<Worker> worker = std::move(Worker::start(loop.get())).value();
        for (int at = 0; at < 3; ++at) {
            worker->submit([&]() -> Worker::Done {
                if (++begun == 1) {
                    running.set_value();
                    std::this_thread::yield();
                }
                ++ended;
                return [&] { ended += 100; };
            });
        }
        running.get_future().wait();
    }
    EXPECT(begun == ended && ended < 100, std::to_string(ended)); // no job is interrupted, no completion runs
    run_ready(loop);
    EXPECT(ended < 100, "no completion runs later");
}

} // namespace
