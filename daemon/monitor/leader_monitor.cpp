// SPDX-License-Identifier: MIT
#include "daemon/monitor/leader_monitor.hpp"

#include "common/process.hpp"

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

/// Maximum number of exits of leader processes that are reported before the event loop handles other events.
constexpr std::size_t exits_batch_size = 64;

} // namespace

LeaderMonitor::LeaderMonitor(sd_event* loop, core::EventSink& events)
    : events_(events), epoll_(epoll_create1(EPOLL_CLOEXEC)),
      retry_timer_(loop, CLOCK_MONOTONIC, [this] { retry_untracked(); }) {
    // If epoll_create1() or watch_descriptor() fails, the monitor has no epoll descriptor, and track() returns an error
    // for each running leader.
    auto source = watch_descriptor(loop, epoll_.get(), EPOLLIN, [this](std::uint32_t) { report_exits(); });
    if (source) {
        source_ = *std::move(source);
    } else {
        epoll_.reset();
    }
}

Result<bool> LeaderMonitor::track(SessionKey key, const Leader& leader, UniqueFd pidfd) {
    if (tracks(key)) {
        return true;
    }
    if (pidfd && epoll_) {
        tracked_.emplace(key, std::move(pidfd));
        new_.emplace_back(key, leader);
        untracked_.erase(key);
        return true;
    }
    auto tracked = open_and_watch(key, leader);
    if (!tracked) {
        return retry_later(key, leader, tracked.error());
    }
    untracked_.erase(key);
    return tracked;
}

Result<bool> LeaderMonitor::retry_later(SessionKey key, const Leader& leader, const Error& why) {
    untracked_[key] = leader;
    if (auto armed = retry_timer_.arm_in(retry_interval); !armed) {
        return std::unexpected(armed.error());
    }
    return std::unexpected(why);
}

Result<> LeaderMonitor::watch_new() {
    Result<> all;
    for (const auto& [key, leader] : std::exchange(new_, {})) {
        const auto at = tracked_.find(key);
        if (at == tracked_.end()) {
            continue; // untracked in the meantime
        }
        if (auto watched = watch_descriptor_of(key, at->second.get()); !watched) {
            tracked_.erase(at);
            all = std::unexpected(retry_later(key, leader, watched.error()).error());
        }
    }
    return all;
}

Result<bool> LeaderMonitor::open_and_watch(SessionKey key, const Leader& leader) {
    auto pidfd = open_pidfd(leader.pid);
    if (!pidfd) {
        return pidfd.error() == ESRCH ? Result<bool>(false)
                                      : fail_errno("open a pidfd of a session leader", pidfd.error());
    }
    const auto same = is_leader(pidfd->get(), leader);
    if (!same) {
        return fail_errno("read the start time of a session leader", same.error());
    }
    return *same ? watch(key, *std::move(pidfd)) : Result<bool>(false);
}

Result<> LeaderMonitor::watch_descriptor_of(SessionKey key, int pidfd) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = static_cast<std::uint64_t>(key)}};
    return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, pidfd, &event) < 0 ? fail_errno("watch a session leader")
                                                                     : Result<>();
}

Result<bool> LeaderMonitor::watch(SessionKey key, UniqueFd pidfd) {
    if (auto watched = watch_descriptor_of(key, pidfd.get()); !watched) {
        return std::unexpected(std::move(watched.error()));
    }
    tracked_.emplace(key, std::move(pidfd));
    return true;
}

void LeaderMonitor::untrack(SessionKey key) {
    tracked_.erase(key);
    untracked_.erase(key);
    std::erase_if(new_, [key](const auto& each) { return each.first == key; });
}

Result<> LeaderMonitor::signal(SessionKey key, int signal) const {
    const auto at = tracked_.find(key);
    if (at == tracked_.end()) {
        return fail("the daemon does not monitor the leader process of the session", ESRCH);
    }
    if (syscall(SYS_pidfd_send_signal, at->second.get(), signal, nullptr, 0) < 0) {
        return fail_errno("signal a session leader");
    }
    return {};
}

void LeaderMonitor::report_exits() {
    std::array<epoll_event, exits_batch_size> events{};
    const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
    for (const epoll_event& event : std::span(events).first(static_cast<std::size_t>(std::max(count, 0)))) {
        const SessionKey key{event.data.u64};
        // The handler of an earlier exit may have untracked this leader. Its exit is then not reported.
        if (tracked_.erase(key) > 0) {
            events_.handle(core::LeaderExited{key});
        }
    }
}

void LeaderMonitor::retry_untracked() {
    // The loop uses a copy of the list, because the handler of an exit may track and untrack leaders.
    const auto untracked = untracked_;
    for (const auto& [key, leader] : untracked) {
        if (!untracked_.contains(key)) {
            continue;
        }
        if (const auto tracked = track(key, leader); tracked && !*tracked) {
            events_.handle(core::LeaderExited{key});
        }
    }
}

} // namespace sesslimit::monitor
