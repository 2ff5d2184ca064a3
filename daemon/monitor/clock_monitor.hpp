// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/core/event.hpp"
#include "daemon/event_loop.hpp"

#include <utility>

namespace sesslimit::monitor {

/// Monitor that reports when the wall clock is set. It uses a timer that never expires. The kernel cancels the timer
/// when the clock is set (TFD_TIMER_CANCEL_ON_SET, timerfd_create(2)). A resume from suspend also cancels the timer,
/// but a slewed clock does not.
class ClockMonitor {
  public:
    /// Creates the monitor. It reports ClockChanged to `events`, before other events of the same loop iteration.
    /// Lifetime: the loop and `events` must outlive the monitor. Errors: the timer or its event source cannot be
    /// created.
    static Result<ClockMonitor> make(sd_event* loop, core::EventSink& events);

  private:
    ClockMonitor(UniqueFd timer, EventSource source) noexcept : timer_(std::move(timer)), source_(std::move(source)) {}

    UniqueFd timer_;
    EventSource source_; ///< destroyed before the descriptor
};

} // namespace sesslimit::monitor
