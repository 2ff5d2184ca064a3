// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/event_loop.hpp"

#include <functional>
#include <memory>

namespace sesslimit::monitor {

/// Monitor that reports when the wall clock is set. It uses a timer that never expires. The kernel cancels the timer
/// when the clock is set (TFD_TIMER_CANCEL_ON_SET, timerfd_create(2)). A resume from suspend also cancels the timer,
/// but a slewed clock does not.
class ClockMonitor {
  public:
    /// Creates the timer that reports changes of the wall clock. `set` is called from the event loop after each change,
    /// before other events of the same iteration.
    static Result<ClockMonitor> make(sd_event* loop, std::function<void()> set);

  private:
    struct Impl {
        std::function<void()> set;
        UniqueFd timer;
        EventSource source;
    };
    explicit ClockMonitor(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
    static int on_set(sd_event_source* source, int fd, std::uint32_t events, void* impl);

    std::unique_ptr<Impl> impl_; ///< on the heap, because the event loop refers to its address
};

} // namespace sesslimit::monitor
