// SPDX-License-Identifier: MIT
#include "daemon/monitor/input_monitor.hpp"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace sesslimit::monitor {
namespace {

constexpr const char* ptys = "/dev/pts";

/// Returns true if `name`, a name in /dev/pts that inotify reported, is the name of a pty. Such a name consists of
/// digits, so a path with the name does not lead out of /dev/pts.
bool is_pty(std::string_view name) {
    return !name.empty() && name.find_first_not_of("0123456789") == std::string_view::npos;
}

} // namespace

struct InputMonitor::Impl {
    core::EventSink* events = nullptr;
    UniqueFd inotify;
    EventSource source;
    /// Monitored sessions, with the inotify watch of their terminal as the key. Two sessions can share a terminal, for
    /// example by su or tmux.
    std::map<int, std::set<SessionKey>> sessions;
    /// inotify watches of the terminals of each monitored session.
    std::unordered_map<SessionKey, std::set<int>> watches;
    /// inotify watch of the directory /dev/pts. It exists while any session is monitored, and is otherwise -1.
    int directory = -1;
    /// Paths of new ptys, with the inotify watch of the pty as the key. A pty is new if it was created while the
    /// directory /dev/pts was watched.
    std::map<int, std::string> newcomers;

    /// Sessions and users with input, collected from one read of inotify events. They are reported after the read,
    /// because the callbacks may stop the monitoring of a session.
    struct Heard {
        std::set<SessionKey> keys;
        std::set<uid_t> owners; ///< owners of new ptys
    };

    void read_input() {
        Heard heard;
        alignas(inotify_event) std::array<char, 4096> buffer{};
        const ssize_t size = ::read(inotify.get(), buffer.data(), buffer.size());
        for (ssize_t at = 0; at + static_cast<ssize_t>(sizeof(inotify_event)) <= size;) {
            inotify_event event{};
            std::memcpy(&event, buffer.data() + at, sizeof event);
            const std::string_view name(buffer.data() + at + sizeof event, event.len); // with trailing NULs
            take(event, name.substr(0, name.find('\0')), heard);
            at += static_cast<ssize_t>(sizeof event + event.len);
        }
        for (const SessionKey key : heard.keys) {
            events->handle(core::InputReceived{key});
        }
        for (const uid_t owner : heard.owners) {
            events->handle(core::TerminalOpened{owner});
        }
    }

    void take(const inotify_event& event, std::string_view name, Heard& heard) {
        if ((event.mask & IN_Q_OVERFLOW) != 0) {
            // After an overflow of the inotify queue, events about closed ptys may be lost, so all new ptys are
            // forgotten.
            return forget_newcomers();
        }
        if (event.wd == directory) {
            if ((event.mask & IN_CREATE) != 0 && is_pty(name)) {
                watch_newcomer(std::string(name));
            }
            return;
        }
        if (const auto newcomer = newcomers.find(event.wd); newcomer != newcomers.end()) {
            struct stat at{};
            if ((event.mask & IN_ACCESS) != 0 && ::stat(newcomer->second.c_str(), &at) == 0) {
                heard.owners.insert(at.st_uid);
            }
            // The kernel removes the inotify watch after one event (IN_ONESHOT).
            newcomers.erase(newcomer);
            return;
        }
        if (const auto found = sessions.find(event.wd); found != sessions.end()) {
            if ((event.mask & IN_ACCESS) != 0) {
                heard.keys.insert(found->second.begin(), found->second.end());
            }
            if ((event.mask & IN_IGNORED) != 0) {
                forget(event.wd);
            }
        }
    }

    void watch_newcomer(const std::string& name) {
        const std::string path = std::string(ptys) + "/" + name;
        // Because of IN_MASK_CREATE, inotify_add_watch() fails if the pty is already monitored for a session. The
        // permanent watch of the session is therefore not replaced by a watch for one event.
        const int watch = inotify_add_watch(inotify.get(), path.c_str(), IN_ACCESS | IN_ONESHOT | IN_MASK_CREATE);
        if (watch >= 0) {
            newcomers.emplace(watch, path);
        }
    }

    void forget(int watch) {
        for (const SessionKey key : sessions[watch]) {
            watches[key].erase(watch);
        }
        sessions.erase(watch);
    }

    void stop_looking_out() {
        inotify_rm_watch(inotify.get(), directory);
        directory = -1;
        forget_newcomers();
    }

    void forget_newcomers() {
        for (const auto& [watch, path] : newcomers) {
            inotify_rm_watch(inotify.get(), watch);
        }
        newcomers.clear();
    }
};

InputMonitor::InputMonitor(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
InputMonitor::InputMonitor(InputMonitor&&) noexcept = default;
InputMonitor& InputMonitor::operator=(InputMonitor&&) noexcept = default;
InputMonitor::~InputMonitor() = default;

Result<InputMonitor> InputMonitor::make(sd_event* loop, core::EventSink& events) {
    auto impl = std::make_unique<Impl>();
    impl->events = &events;
    impl->inotify.reset(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!impl->inotify) {
        return fail_errno("create an inotify descriptor");
    }
    auto source = watch_descriptor(loop, impl->inotify.get(), EPOLLIN,
                                   [monitor = impl.get()](std::uint32_t) { monitor->read_input(); });
    if (!source) {
        return std::unexpected(source.error());
    }
    impl->source = *std::move(source);
    return InputMonitor(std::move(impl));
}

bool InputMonitor::listens(SessionKey key) const {
    return impl_->watches.contains(key);
}

void InputMonitor::listen(SessionKey key, const std::vector<inspect::Terminal>& terminals) {
    if (impl_->directory < 0) {
        impl_->directory = inotify_add_watch(impl_->inotify.get(), ptys, IN_CREATE | IN_ONLYDIR);
    }
    std::set<int>& watches = impl_->watches[key];
    for (const inspect::Terminal& terminal : terminals) {
        const std::string path = "/dev/" + terminal.name;
        const int watch = inotify_add_watch(impl_->inotify.get(), path.c_str(), IN_ACCESS);
        if (watch < 0) {
            continue;
        }
        // If the pty was monitored as a new pty, inotify_add_watch() has replaced its watch for one event by a
        // permanent watch with the same number.
        impl_->newcomers.erase(watch);
        // The device node is checked after the watch was added, because the watch remains on this node even if another
        // terminal gets the path.
        struct stat node{};
        if (::stat(path.c_str(), &node) == 0 && is_node_of(node, terminal)) {
            impl_->sessions[watch].insert(key);
            watches.insert(watch);
        } else if (!impl_->sessions.contains(watch)) {
            inotify_rm_watch(impl_->inotify.get(), watch);
        }
    }
}

void InputMonitor::stop(SessionKey key) {
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
    if (impl_->watches.empty()) {
        impl_->stop_looking_out();
    }
}

} // namespace sesslimit::monitor
