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
    std::mutex mutex;
    std::condition_variable_any wake;
    std::deque<Job> jobs;
    std::deque<Done> done;
    UniqueFd event;
    EventSource source;
    std::jthread thread; // last member, so that it is joined before the members that it uses are destroyed

    void run(const std::stop_token& stop) {
        // The loop handles signals, so they must not be delivered to this thread.
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
            // The job is destroyed before the loop gets the result, so that the loop's thread destroys shared objects.
            job = nullptr;
            const std::lock_guard lock(mutex);
            done.push_back(std::move(left));
            (void)eventfd_write(event.get(), 1);
        }
    }

    static int on_done(sd_event_source*, int fd, std::uint32_t, void* self) {
        auto& impl = *static_cast<Impl*>(self);
        eventfd_t count = 0;
        (void)eventfd_read(fd, &count);
        std::deque<Done> ready;
        {
            const std::lock_guard lock(impl.mutex);
            ready.swap(impl.done);
        }
        for (const Done& finish : ready) {
            finish();
        }
        return 0;
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
        return fail_errno("eventfd");
    }
    sd_event_source* source = nullptr;
    const int code = sd_event_add_io(loop, &source, impl->event.get(), EPOLLIN, &Impl::on_done, impl.get());
    if (code < 0) {
        return fail_errno("watch the worker", -code);
    }
    impl->source.reset(source);
    impl->thread = std::jthread([self = impl.get()](const std::stop_token& stop) { self->run(stop); });
    return Worker(std::move(impl));
}

void Worker::submit(Job job) {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->jobs.push_back(std::move(job));
    }
    impl_->wake.notify_one();
}

} // namespace sesslimit
