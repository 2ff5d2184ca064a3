// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "common/result.hpp"

#include <systemd/sd-event.h>

#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <utility>

/// Event loop of sd-event(3), with callbacks that are C++ functions. A callback may destroy its own event source.
namespace sesslimit {

/// Deleter of an event source, which also removes the source from the loop.
struct EventSourceDeleter {
    void operator()(sd_event_source* source) const noexcept { sd_event_source_disable_unref(source); }
};
using EventSource = std::unique_ptr<sd_event_source, EventSourceDeleter>;

/// Deleter of an event loop.
struct EventDeleter {
    void operator()(sd_event* loop) const noexcept { sd_event_unref(loop); }
};
using EventLoop = std::unique_ptr<sd_event, EventDeleter>;

/// Creates an event loop with the descriptors that it needs for timers. A timer can then be armed even if the process
/// has run out of descriptors.
Result<EventLoop> make_event_loop();

/// Calls `ready` with the epoll events of a descriptor. Lifetime: the descriptor must outlive the source.
/// Errors: out of memory or descriptors.
Result<EventSource> watch_descriptor(sd_event* loop, int fd, std::uint32_t events,
                                     std::function<void(std::uint32_t)> ready);

/// Calls `received` for each signal. The signal must be blocked in all threads.
Result<EventSource> watch_signal(sd_event* loop, int signal, std::function<void()> received);

/// Timer that expires once each time it is armed. The loop must outlive the timer.
class Timer {
  public:
    /// Takes the clock, which is CLOCK_MONOTONIC or CLOCK_BOOTTIME. The loop calls `expired`. `accuracy` is the
    /// permitted delay, so that the loop can combine wakeups. Zero selects the default of sd-event, which is 250 ms.
    Timer(sd_event* loop, clockid_t clock, std::function<void()> expired, Duration accuracy = {})
        : loop_(loop), clock_(clock), accuracy_(accuracy), expired_(std::move(expired)) {}

    /// Arms the timer for a time on its clock, in place of an earlier time. Errors: out of memory. In a loop that
    /// make_event_loop() did not create, also out of descriptors. After an error the timer is not armed.
    Result<> arm_at(Duration at);

    /// Arms the timer for the end of a delay. Errors: as for arm_at().
    Result<> arm_in(Duration delay);

    void disarm();

    [[nodiscard]] bool is_armed() const;

  private:
    sd_event* loop_;
    clockid_t clock_;
    Duration accuracy_;
    std::function<void()> expired_; ///< callback until the first call of arm_at(), which passes it to the source
    EventSource source_;
};

} // namespace sesslimit
