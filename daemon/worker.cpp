// SPDX-License-Identifier: MIT
#include "daemon/worker.hpp"

#include "common/unique_fd.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace sesslimit {

struct Worker::Impl {
    /// Mutex that protects `jobs` and `done`.
    std::mutex mutex;
    std::condition_variable_any wake;
    /// Jobs that have not started yet.
    std::deque<Job> jobs;
    /// Results of jobs that have not been delivered yet.
    std::deque<Done> done;
    /// eventfd that wakes the event loop after a job has ended.
    UniqueFd event;
    EventSource source;
    // Worker thread. It is the last member, so that it is joined before the members that it uses are destroyed.
    std::jthread thread;

    void run(const std::stop_token& stop) {
        // The event loop handles signals, so signals must not be delivered to the worker thread.
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, nullptr);
        while (true) {
            Job job;
            {
                std::unique_lock lock(mutex);
                if (!wake.wait(lock, stop, [this] { return !jobs.empty(); }) || stop.stop_requested()) {
                    return;
                }
                job = std::move(jobs.front());
                jobs.pop_front();
            }
            Done left = job();
            // The job is destroyed before the event loop receives its result. Objects that the job shares with its
            // result are then destroyed by the thread of the event loop.
            job = nullptr;
            const std::lock_guard lock(mutex);
            done.push_back(std::move(left));
            (void)eventfd_write(event.get(), 1);
        }
    }

    void finish_jobs() {
        eventfd_t count = 0;
        (void)eventfd_read(event.get(), &count);
        std::deque<Done> ready;
        {
            const std::lock_guard lock(mutex);
            ready.swap(done);
        }
        for (const Done& finish : ready) {
            finish();
        }
    }
};

Worker::Worker(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Worker::Worker(Worker&&) noexcept = default;
Worker& Worker::operator=(Worker&&) noexcept = default;
Worker::~Worker() = default;

Result<Worker> Worker::start(sd_event* loop) {
    auto impl = std::make_unique<Impl>();
    impl->event.reset(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!impl->event) {
        return fail_errno("create an eventfd");
    }
    auto source =
        watch_descriptor(loop, impl->event.get(), EPOLLIN, [self = impl.get()](std::uint32_t) { self->finish_jobs(); });
    if (!source) {
        return std::unexpected(source.error());
    }
    impl->source = *std::move(source);
    impl->thread = std::jthread([self = impl.get()](const std::stop_token& stop) { self->run(stop); });
    return Worker(std::move(impl));
}

void Worker::stop() {
    impl_.reset();
}

void Worker::submit(Job job) {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->jobs.push_back(std::move(job));
    }
    impl_->wake.notify_one();
}

} // namespace sesslimit
