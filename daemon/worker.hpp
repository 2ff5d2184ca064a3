// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/event_loop.hpp"

#include <functional>
#include <memory>

namespace sesslimit {

/// Thread for operations that may block, such as reading files and lookups in the user database. The thread runs one
/// job after the other. A job must use only data that it owns.
class Worker {
  public:
    /// Function that a job returns to deliver its result. The thread of the event loop calls this function.
    using Done = std::function<void()>;
    /// Function that runs on the worker thread.
    using Job = std::function<Done()>;

    /// Starts the worker thread. `loop` is the event loop for the results. Lifetime: `loop` must outlive the Worker.
    /// Errors: the event descriptor or its event source cannot be created.
    static Result<Worker> start(sd_event* loop);

    Worker(Worker&&) noexcept;
    Worker& operator=(Worker&&) noexcept;

    ~Worker();

    /// Waits until the running job has ended, and stops the thread. Discards jobs that have not started, and results
    /// that are not delivered yet. The destructor does the same. Lifetime: objects to which jobs refer must exist until
    /// then.
    void stop();

    /// Runs `job` on the worker thread, and then calls the function that `job` returns on the thread of the event loop.
    /// A job must not throw. Must not be called after stop().
    void submit(Job job);

  private:
    struct Impl;
    explicit Worker(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit
