// SPDX-License-Identifier: MIT
#include "fleet/fleetd/file_watch.hpp"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace sesslimit::fleet {

Result<std::unique_ptr<FileWatch>> FileWatch::make(sd_event* loop, const std::vector<std::filesystem::path>& files,
                                                   std::function<void()> changed) {
    std::unique_ptr<FileWatch> watch(new FileWatch(loop, std::move(changed)));
    watch->inotify_.reset(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!watch->inotify_) {
        return fail_errno("create an inotify descriptor");
    }
    for (const std::filesystem::path& file : files) {
        const std::filesystem::path directory = file.parent_path();
        if (inotify_add_watch(watch->inotify_.get(), directory.c_str(),
                              IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR) < 0) {
            return fail_errno("watch " + directory.native());
        }
    }
    auto source =
        watch_descriptor(loop, watch->inotify_.get(), EPOLLIN, [self = watch.get()](std::uint32_t) { self->drain(); });
    if (!source) {
        return std::unexpected(source.error());
    }
    watch->source_ = *std::move(source);
    return watch;
}

void FileWatch::drain() {
    // The events are not interpreted, because each of them can be lost if the queue of inotify overflows.
    alignas(inotify_event) std::array<char, 4096> buffer{};
    while (::read(inotify_.get(), buffer.data(), buffer.size()) > 0) {
    }
    if (!settled_.arm_in(settle_time)) {
        changed_(); // out of memory for the timer
    }
}

} // namespace sesslimit::fleet
