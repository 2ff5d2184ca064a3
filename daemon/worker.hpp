// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/event_loop.hpp"

#include <functional>
#include <memory>

namespace sesslimit {

/// One thread for what may block and must not block the loop: the user database, files on disk. Jobs run one after the
/// other, each on values of its own.
class Worker {
  public:
    /// What a job leaves for the loop's thread to do.
    using Done = std::function<void()>;
    using Job = std::function<Done()>;

    static Result<Worker> start(sd_event* loop);

    Worker(Worker&&) noexcept;
    Worker& operator=(Worker&&) noexcept;

    /// Waits for the job that runs; jobs that have not begun are forgotten.
    ~Worker();

    /// Runs `job` on the thread, and what it returns on the loop's. A job must not throw.
    void submit(Job job);

  private:
    struct Impl;
    explicit Worker(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit
