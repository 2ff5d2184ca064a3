// SPDX-License-Identifier: MIT
#include "daemon/monitor/scope_monitor.hpp"

#include "daemon/inspect/kernel_file.hpp"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace sesslimit::monitor {
namespace {

/// Returns true if processes run in the control group with the file `events` (cgroup.events). Errors: that is unknown.
Result<bool> is_populated(const std::filesystem::path& events) {
    constexpr std::size_t max_size = 4096; // the file has a few short lines
    const auto text = inspect::read_kernel_file(events, max_size);
    if (!text) {
        return std::unexpected(text.error());
    }
    return *text && (**text).find("populated 1") != std::string::npos;
}

} // namespace

ScopeMonitor::ScopeMonitor(sd_event* loop, core::EventSink& events)
    : events_(events), inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
      retry_timer_(loop, CLOCK_MONOTONIC, [this] { retry(); }) {
    // If inotify_init1() or watch_descriptor() fails, track() returns an error.
    auto source = watch_descriptor(loop, inotify_.get(), EPOLLIN, [this](std::uint32_t) { report_empty(); });
    if (source) {
        source_ = *std::move(source);
    } else {
        inotify_.reset();
    }
}

Result<bool> ScopeMonitor::track(SessionKey key, const std::filesystem::path& group) {
    if (watches_.contains(key)) {
        return true;
    }
    auto tracked = watch(key, group);
    if (tracked) {
        untracked_.erase(key);
        return tracked;
    }
    untracked_[key] = group;
    if (auto armed = retry_timer_.arm_in(retry_interval); !armed) {
        return std::unexpected(armed.error());
    }
    return tracked;
}

Result<bool> ScopeMonitor::watch(SessionKey key, const std::filesystem::path& group) {
    const std::filesystem::path events = group / "cgroup.events";
    const int watch = inotify_add_watch(inotify_.get(), events.c_str(), IN_MODIFY);
    if (watch < 0) {
        return errno == ENOENT || errno == ENODEV ? Result<bool>(false) : fail_errno("watch a scope");
    }
    scopes_.insert_or_assign(watch, Watched{.session = key, .events = events});
    watches_.insert_or_assign(key, watch);
    // The last process may have exited before the scope was watched.
    auto populated = is_populated(events);
    if (!populated || !*populated) {
        untrack(key);
    }
    return populated;
}

void ScopeMonitor::untrack(SessionKey key) {
    if (const auto watch = watches_.extract(key)) {
        scopes_.erase(watch.mapped());
        inotify_rm_watch(inotify_.get(), watch.mapped());
    }
    untracked_.erase(key);
}

void ScopeMonitor::report_empty() {
    // The events are not interpreted, because each of them can be lost if the queue of inotify overflows.
    alignas(inotify_event) std::array<char, 4096> buffer{};
    while (::read(inotify_.get(), buffer.data(), buffer.size()) > 0) {
    }
    std::vector<SessionKey> empty;
    for (const auto& [watch, scope] : scopes_) {
        const auto populated = is_populated(scope.events);
        if (!populated) {
            (void)retry_timer_.arm_in(retry_interval).has_value();
        } else if (!*populated) {
            empty.push_back(scope.session);
        }
    }
    for (const SessionKey key : empty) {
        untrack(key);
        events_.handle(core::ScopeEmptied{key});
    }
}

void ScopeMonitor::retry() {
    report_empty();
    // The loop uses a copy of the list, because the handler of an event may track and untrack scopes.
    const auto untracked = untracked_;
    for (const auto& [key, group] : untracked) {
        if (!untracked_.contains(key)) {
            continue;
        }
        if (const auto tracked = track(key, group); tracked && !*tracked) {
            events_.handle(core::ScopeEmptied{key});
        }
    }
}

} // namespace sesslimit::monitor
