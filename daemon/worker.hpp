// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/event_loop.hpp"

#include <functional>
#include <memory>

namespace sesslimit {

/// Thread for operations that may block, so that they do not block the event loop. These operations use the user
/// database and files on disk. Jobs run one after the other, and each job uses only its own values.
class Worker {
  public:
    /// Function that a job returns. The thread of the loop calls this function.
    using Done = std::function<void()>;
    using Job = std::function<Done()>;

    /// Starts the thread. Errors: the event descriptor or its event source cannot be created.
    static Result<Worker> start(sd_event* loop);

    Worker(Worker&&) noexcept;
    Worker& operator=(Worker&&) noexcept;

    ~Worker();

    /// Waits for the running job, and discards jobs that have not started and results that are not delivered yet. Also
    /// called by the destructor. Objects to which jobs refer must be destroyed later.
    void stop();

    /// Runs `job` on the worker thread, and the function that it returns on the thread of the loop. A job must not
    /// throw. Discards the job after stop().
    void submit(Job job);

  private:
    struct Impl;
    explicit Worker(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit
