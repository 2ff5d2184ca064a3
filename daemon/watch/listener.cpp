// SPDX-License-Identifier: MIT
#include "daemon/watch/listener.hpp"

#include <sys/epoll.h>
#include <sys/inotify.h>

#include <array>
#include <map>
#include <set>

namespace sesslimit::watch {

struct Listener::Impl {
    std::function<void(SessionKey)> heard;
    UniqueFd inotify;
    EventSource source;
    std::map<int, std::set<SessionKey>> sessions; ///< by watch: two sessions can share a terminal (su, tmux)
    std::unordered_map<SessionKey, std::set<int>> watches;

    static int on_input(sd_event_source*, int fd, std::uint32_t, void* self) {
        static_cast<Impl*>(self)->read_from(fd);
        return 0;
    }

    void read_from(int fd) {
        std::set<SessionKey> keys;
        alignas(inotify_event) std::array<char, 4096> buffer{};
        const ssize_t size = ::read(fd, buffer.data(), buffer.size());
        for (ssize_t at = 0; at + static_cast<ssize_t>(sizeof(inotify_event)) <= size;) {
            inotify_event event{};
            std::memcpy(&event, buffer.data() + at, sizeof event);
            if (const auto found = sessions.find(event.wd); found != sessions.end()) {
                if ((event.mask & IN_ACCESS) != 0) {
                    keys.insert(found->second.begin(), found->second.end());
                }
                if ((event.mask & IN_IGNORED) != 0) {
                    forget(event.wd);
                }
            }
            at += static_cast<ssize_t>(sizeof event + event.len);
        }
        for (const SessionKey key : keys) {
            heard(key);
        }
    }

    void forget(int watch) {
        for (const SessionKey key : sessions[watch]) {
            watches[key].erase(watch);
        }
        sessions.erase(watch);
    }
};

Listener::Listener(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Listener::Listener(Listener&&) noexcept = default;
Listener& Listener::operator=(Listener&&) noexcept = default;
Listener::~Listener() = default;

Result<Listener> Listener::make(sd_event* loop, std::function<void(SessionKey)> heard) {
    auto impl = std::make_unique<Impl>();
    impl->heard = std::move(heard);
    impl->inotify.reset(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!impl->inotify) {
        return fail_errno("inotify_init1");
    }
    sd_event_source* source = nullptr;
    const int code = sd_event_add_io(loop, &source, impl->inotify.get(), EPOLLIN, &Impl::on_input, impl.get());
    if (code < 0) {
        return fail_errno("watch inotify", -code);
    }
    impl->source.reset(source);
    return Listener(std::move(impl));
}

bool Listener::listens(SessionKey key) const {
    return impl_->watches.contains(key);
}

void Listener::listen(SessionKey key, const std::vector<Terminal>& terminals) {
    std::set<int>& watches = impl_->watches[key];
    for (const Terminal& terminal : terminals) {
        const int watch = inotify_add_watch(impl_->inotify.get(), ("/dev/" + terminal.name).c_str(), IN_ACCESS);
        if (watch >= 0) {
            impl_->sessions[watch].insert(key);
            watches.insert(watch);
        }
    }
}

void Listener::stop(SessionKey key) {
    const auto at = impl_->watches.find(key);
    if (at == impl_->watches.end()) {
        return;
    }
    for (const int watch : at->second) {
        std::set<SessionKey>& keys = impl_->sessions[watch];
        keys.erase(key);
        if (keys.empty()) {
            inotify_rm_watch(impl_->inotify.get(), watch);
            impl_->sessions.erase(watch);
        }
    }
    impl_->watches.erase(at);
}

} // namespace sesslimit::watch
