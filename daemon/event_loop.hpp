// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "common/result.hpp"

#include <systemd/sd-event.h>

#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <span>
#include <utility>

/// Functions and types with which C++ functions can be callbacks of an sd-event(3) event loop. A callback may destroy
/// its own event source.
namespace sesslimit {

/// Deleter that removes an event source from its loop and releases the source.
struct EventSourceDeleter {
    void operator()(sd_event_source* source) const noexcept { sd_event_source_disable_unref(source); }
};
using EventSource = std::unique_ptr<sd_event_source, EventSourceDeleter>;

/// Deleter that releases an event loop.
struct EventDeleter {
    void operator()(sd_event* loop) const noexcept { sd_event_unref(loop); }
};
using EventLoop = std::unique_ptr<sd_event, EventDeleter>;

/// Creates an event loop, and opens the descriptors that its timers need. A timer can then be armed even if the process
/// has run out of descriptors.
Result<EventLoop> make_event_loop();

/// Calls `ready` whenever one of the epoll events in `events` occurs on the descriptor `fd`. `ready` receives the
/// events that occurred. Lifetime: `fd` must stay open until the returned event source has been destroyed. Errors: out
/// of memory or descriptors.
Result<EventSource> watch_descriptor(sd_event* loop, int fd, std::uint32_t events,
                                     std::function<void(std::uint32_t)> ready);

/// Blocks signals, so that only the event loop receives them. Must be called before a second thread is started.
void block_signals(std::span<const int> signals) noexcept;

/// Calls `received` whenever the process receives the signal `signal`. The signal must be blocked in all threads.
Result<EventSource> watch_signal(sd_event* loop, int signal, std::function<void()> received);

/// Timer of an event loop. It expires once each time it is armed. Lifetime: the loop must outlive the timer.
class Timer {
  public:
    /// `clock` is CLOCK_MONOTONIC or CLOCK_BOOTTIME. The loop calls `expired` when the timer expires. `accuracy` is the
    /// maximum delay of this call, which lets the loop combine wakeups. Zero means the default of sd-event, which is
    /// 250 ms.
    Timer(sd_event* loop, clockid_t clock, std::function<void()> expired, Duration accuracy = {})
        : loop_(loop), clock_(clock), accuracy_(accuracy), expired_(std::move(expired)) {}

    /// Arms the timer for a time on the clock of the timer, given as the time `at` since the zero of this clock. If the
    /// timer is already armed, the new time replaces the old one. Errors: out of memory, or out of descriptors if
    /// make_event_loop() did not create the loop. After an error, the timer is not armed.
    Result<> arm_at(Duration at);

    /// Arms the timer to expire after the duration `delay`. Errors: the same as of arm_at().
    Result<> arm_in(Duration delay);

    void disarm();

    [[nodiscard]] bool is_armed() const;

  private:
    sd_event* loop_;
    clockid_t clock_;
    /// Maximum delay with which the timer may expire, or zero for the default of sd-event.
    Duration accuracy_;
    /// Callback for the expiry of the timer. Empty after the first successful call of arm_at(), because the event
    /// source then owns the callback.
    std::function<void()> expired_;
    EventSource source_;
};

} // namespace sesslimit
