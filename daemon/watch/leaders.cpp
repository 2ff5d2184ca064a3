// SPDX-License-Identifier: MIT
#include "daemon/watch/leaders.hpp"

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

namespace sesslimit::watch {

Leaders::Leaders(sd_event* loop, std::function<void(SessionKey)> exited) : loop_(loop), exited_(std::move(exited)) {}

Result<bool> Leaders::hold(SessionKey key, const Leader& leader) {
    if (held_.contains(key)) {
        return true;
    }
    // glibc has no wrappers for the pidfd calls before 2.36; pidfds are close-on-exec from birth (pidfd_open(2)).
    UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, leader.pid, 0)));
    if (!pidfd) {
        if (errno == ESRCH || errno == EINVAL) {
            return false;
        }
        return fail_errno("pidfd_open of a leader");
    }
    // Looked at only once the pid is held: now it cannot become somebody else's.
    const auto stat = read_process_stat(leader.pid);
    if (!stat || (leader.start != 0 && stat->start != leader.start)) {
        return false;
    }
    Held& held = held_[key];
    held = {this, key, std::move(pidfd), nullptr};
    sd_event_source* source = nullptr;
    const int code = sd_event_add_io(loop_, &source, held.pidfd.get(), EPOLLIN, &Leaders::on_exit, &held);
    if (code < 0) {
        held_.erase(key);
        return fail_errno("watch a leader", -code);
    }
    held.source.reset(source);
    return true;
}

void Leaders::let_go(SessionKey key) {
    held_.erase(key);
}

Result<> Leaders::signal(SessionKey key, int signal) const {
    const auto at = held_.find(key);
    if (at == held_.end()) {
        return fail("the leader is not held", ESRCH);
    }
    if (syscall(SYS_pidfd_send_signal, at->second.pidfd.get(), signal, nullptr, 0) < 0) {
        return fail_errno("signal a leader");
    }
    return {};
}

int Leaders::on_exit(sd_event_source*, int, std::uint32_t, void* held) {
    const Held& at = *static_cast<Held*>(held);
    Leaders& owner = *at.owner;
    const SessionKey key = at.key;
    owner.let_go(key);
    owner.exited_(key);
    return 0;
}

} // namespace sesslimit::watch
