// SPDX-License-Identifier: MIT
#include "daemon/monitor/leader_monitor.hpp"

#include "common/pidfd.hpp"

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <span>
#include <utility>

namespace sesslimit::monitor {
namespace {

/// Maximum number of exits reported in a row, before the loop handles other events.
constexpr std::size_t exits_batch_size = 64;

} // namespace

LeaderMonitor::LeaderMonitor(sd_event* loop, std::function<void(SessionKey)> exited)
    : exited_(std::move(exited)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    // If epoll_create1() or sd_event_add_io() fails, track() reports errors.
    sd_event_source* source = nullptr;
    if (sd_event_add_io(loop, &source, epoll_.get(), EPOLLIN, &LeaderMonitor::on_exits, this) < 0) {
        epoll_.reset();
    }
    source_.reset(source);
    // The timer is created while descriptors are available, because the loop opens a descriptor for the clock.
    source = nullptr;
    if (sd_event_add_time(loop, &source, CLOCK_MONOTONIC, 0, 0, &LeaderMonitor::on_retry, this) >= 0) {
        sd_event_source_set_enabled(source, SD_EVENT_OFF);
    }
    retry_.reset(source);
}

void LeaderMonitor::provide_pidfd(const Leader& leader, UniqueFd pidfd) {
    provided_ = leader;
    expected_pidfd_ = std::move(pidfd);
}

Result<bool> LeaderMonitor::track(SessionKey key, const Leader& leader) {
    if (held_.contains(key)) {
        return true;
    }
    auto tracked = take_hold(key, leader);
    if (tracked) {
        untracked_.erase(key);
        return tracked;
    }
    untracked_[key] = leader;
    if (sd_event_source_set_time_relative(retry_.get(), static_cast<std::uint64_t>(again_after.count())) >= 0) {
        sd_event_source_set_enabled(retry_.get(), SD_EVENT_ONESHOT);
    }
    return tracked;
}

Result<bool> LeaderMonitor::take_hold(SessionKey key, const Leader& leader) {
    if (expected_pidfd_ && leader == provided_) {
        return watch(key, std::move(expected_pidfd_));
    }
    auto pidfd = open_pidfd(leader.pid);
    if (!pidfd) {
        return pidfd.error() == ESRCH ? Result<bool>(false)
                                      : fail_errno("failed to open a pidfd of a session leader", pidfd.error());
    }
    const auto same = is_leader(pidfd->get(), leader);
    if (!same) {
        return fail_errno("failed to read the start time of a session leader", same.error());
    }
    return *same ? watch(key, *std::move(pidfd)) : Result<bool>(false);
}

Result<bool> LeaderMonitor::watch(SessionKey key, UniqueFd pidfd) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = static_cast<std::uint64_t>(key)}};
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, pidfd.get(), &event) < 0) {
        return fail_errno("failed to watch a session leader");
    }
    held_.emplace(key, std::move(pidfd));
    return true;
}

void LeaderMonitor::untrack(SessionKey key) {
    held_.erase(key);
    untracked_.erase(key);
}

Result<> LeaderMonitor::signal(SessionKey key, int signal) const {
    const auto at = held_.find(key);
    if (at == held_.end()) {
        return fail("the leader process of the session is not tracked", ESRCH);
    }
    if (syscall(SYS_pidfd_send_signal, at->second.get(), signal, nullptr, 0) < 0) {
        return fail_errno("signal a session leader");
    }
    return {};
}

int LeaderMonitor::on_exits(sd_event_source*, int, std::uint32_t, void* self) {
    static_cast<LeaderMonitor*>(self)->say_exited();
    return 0;
}

void LeaderMonitor::say_exited() {
    std::array<epoll_event, exits_batch_size> events{};
    const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
    for (const epoll_event& event : std::span(events).first(static_cast<std::size_t>(std::max(count, 0)))) {
        const SessionKey key{event.data.u64};
        if (held_.erase(key) > 0) { // an earlier callback may have untracked the leader
            exited_(key);
        }
    }
}

int LeaderMonitor::on_retry(sd_event_source*, std::uint64_t, void* self) {
    auto& leaders = *static_cast<LeaderMonitor*>(self);
    const auto untracked = leaders.untracked_; // a copy, because the handler of an exit may track and untrack leaders
    for (const auto& [key, leader] : untracked) {
        if (!leaders.untracked_.contains(key)) {
            continue;
        }
        if (const auto tracked = leaders.track(key, leader); tracked && !*tracked) {
            leaders.exited_(key);
        }
    }
    return 0;
}

} // namespace sesslimit::monitor
