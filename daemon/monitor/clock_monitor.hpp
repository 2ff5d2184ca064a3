// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/event_loop.hpp"

#include <functional>
#include <memory>

namespace sesslimit::monitor {

/// Says when somebody sets the wall clock: a timer that never rings and that the kernel cancels then
/// (TFD_TIMER_CANCEL_ON_SET, timerfd_create(2)). Coming out of suspend cancels it too; a clock that is slewed does not.
class ClockMonitor {
  public:
    /// `set` is called from the loop, before what else has come in the same turn.
    static Result<ClockMonitor> make(sd_event* loop, std::function<void()> set);

  private:
    struct Impl {
        std::function<void()> set;
        UniqueFd timer;
        EventSource source;
    };
    explicit ClockMonitor(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
    static int on_set(sd_event_source* source, int fd, std::uint32_t events, void* impl);

    std::unique_ptr<Impl> impl_; ///< the loop knows where it is
};

} // namespace sesslimit::monitor
