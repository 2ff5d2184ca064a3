// SPDX-License-Identifier: MIT
#include "daemon/event_loop.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

namespace sesslimit {
namespace {

using Ready = std::function<void(std::uint32_t)>;
using Call = std::function<void()>;

int on_ready(sd_event_source*, int, std::uint32_t events, void* ready) {
    (*static_cast<Ready*>(ready))(events);
    return 0;
}

int on_signal(sd_event_source*, const signalfd_siginfo*, void* received) {
    (*static_cast<Call*>(received))();
    return 0;
}

int on_expired(sd_event_source*, std::uint64_t, void* expired) {
    (*static_cast<Call*>(expired))();
    return 0;
}

/// Transfers the ownership of `callback` to `source`. sd-event destroys the callback together with the event source. If
/// the callback is running at that time, sd-event destroys both after the callback has returned.
template <class Function>
EventSource own(sd_event_source* source, std::unique_ptr<Function> callback) {
    sd_event_source_set_destroy_callback(source, [](void* data) { delete static_cast<Function*>(data); });
    (void)callback.release();
    return EventSource(source);
}

std::uint64_t to_usec(Duration span) {
    return static_cast<std::uint64_t>(std::max(Duration{}, span).count());
}

} // namespace

Result<EventLoop> make_event_loop() {
    sd_event* raw = nullptr;
    if (const int code = sd_event_new(&raw); code < 0) {
        return fail_errno("create the event loop", -code);
    }
    EventLoop loop(raw);
    // The first timer on a clock makes sd-event open a timerfd for this clock, which stays open until the event loop is
    // destroyed. Timers on the clock that are added later do not need a new descriptor.
    for (const clockid_t clock : {CLOCK_MONOTONIC, CLOCK_BOOTTIME}) {
        Timer timer(raw, clock, [] {});
        if (auto armed = timer.arm_at(std::chrono::years(100)); !armed) {
            return std::unexpected(armed.error());
        }
    }
    return loop;
}

Result<EventSource> watch_descriptor(sd_event* loop, int fd, std::uint32_t events, Ready ready) {
    auto callback = std::make_unique<Ready>(std::move(ready));
    sd_event_source* source = nullptr;
    if (const int code = sd_event_add_io(loop, &source, fd, events, &on_ready, callback.get()); code < 0) {
        return fail_errno("watch a descriptor", -code);
    }
    return own(source, std::move(callback));
}

void block_signals(std::span<const int> signals) noexcept {
    sigset_t blocked;
    sigemptyset(&blocked);
    for (const int signal : signals) {
        sigaddset(&blocked, signal);
    }
    sigprocmask(SIG_BLOCK, &blocked, nullptr);
}

Result<EventSource> watch_signal(sd_event* loop, int signal, Call received) {
    auto callback = std::make_unique<Call>(std::move(received));
    sd_event_source* source = nullptr;
    if (const int code = sd_event_add_signal(loop, &source, signal, &on_signal, callback.get()); code < 0) {
        return fail_errno("watch a signal", -code);
    }
    return own(source, std::move(callback));
}

Result<> Timer::arm_at(Duration at) {
    if (source_) {
        int code = sd_event_source_set_time(source_.get(), to_usec(at));
        code = code < 0 ? code : sd_event_source_set_enabled(source_.get(), SD_EVENT_ONESHOT);
        return code < 0 ? Result<>(fail_errno("arm a timer", -code)) : Result<>();
    }
    auto callback = std::make_unique<Call>(expired_);
    sd_event_source* source = nullptr;
    const int code =
        sd_event_add_time(loop_, &source, clock_, to_usec(at), to_usec(accuracy_), &on_expired, callback.get());
    if (code < 0) {
        return fail_errno("arm a timer", -code);
    }
    source_ = own(source, std::move(callback));
    expired_ = nullptr;
    return {};
}

Result<> Timer::arm_in(Duration delay) {
    std::uint64_t now = 0;
    if (const int code = sd_event_now(loop_, clock_, &now); code < 0) {
        return fail_errno("read the clock of the event loop", -code);
    }
    return arm_at(Duration(now) + delay);
}

void Timer::disarm() {
    if (source_) {
        sd_event_source_set_enabled(source_.get(), SD_EVENT_OFF);
    }
}

bool Timer::is_armed() const {
    return source_ && sd_event_source_get_enabled(source_.get(), nullptr) > 0;
}

} // namespace sesslimit
