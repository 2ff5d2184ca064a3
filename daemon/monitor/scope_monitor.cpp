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

/// Returns true if processes run in the control group with the file `events` (cgroup.events), or if that is unknown.
bool is_populated(const std::filesystem::path& events) {
    constexpr std::size_t max_size = 4096; // the file has a few short lines
    const auto text = inspect::read_kernel_file(events, max_size);
    return !text || (*text && (**text).find("populated 1") != std::string::npos);
}

} // namespace

ScopeMonitor::ScopeMonitor(sd_event* loop, core::EventSink& events)
    : events_(events), inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    // If inotify_init1() or watch_descriptor() fails, track() returns an error.
    auto source = watch_descriptor(loop, inotify_.get(), EPOLLIN, [this](std::uint32_t) { report_empty(); });
    if (source) {
        source_ = *std::move(source);
    } else {
        inotify_.reset();
    }
}

Result<bool> ScopeMonitor::track(SessionKey key, const std::filesystem::path& group) {
    if (tracks(key)) {
        return true;
    }
    const std::filesystem::path events = group / "cgroup.events";
    const int watch = inotify_add_watch(inotify_.get(), events.c_str(), IN_MODIFY);
    if (watch < 0) {
        return errno == ENOENT || errno == ENODEV ? Result<bool>(false) : fail_errno("watch a scope");
    }
    scopes_.insert_or_assign(watch, Watched{.session = key, .events = events});
    watches_.insert_or_assign(key, watch);
    if (!is_populated(events)) { // the last process may have exited before the scope was watched
        untrack(key);
        return false;
    }
    return true;
}

void ScopeMonitor::untrack(SessionKey key) {
    if (const auto watch = watches_.extract(key)) {
        scopes_.erase(watch.mapped());
        inotify_rm_watch(inotify_.get(), watch.mapped());
    }
}

void ScopeMonitor::report_empty() {
    // The events are not interpreted, because each of them can be lost if the queue of inotify overflows.
    alignas(inotify_event) std::array<char, 4096> buffer{};
    while (::read(inotify_.get(), buffer.data(), buffer.size()) > 0) {
    }
    std::vector<SessionKey> empty;
    for (const auto& [watch, scope] : scopes_) {
        if (!is_populated(scope.events)) {
            empty.push_back(scope.session);
        }
    }
    for (const SessionKey key : empty) {
        untrack(key);
        events_.handle(core::ScopeEmptied{key});
    }
}

} // namespace sesslimit::monitor
