// SPDX-License-Identifier: MIT
#pragma once

#include <systemd/sd-event.h>

#include <memory>

namespace sesslimit {

/// Deleter of an event source, which also removes the source from the loop.
struct EventSourceDeleter {
    void operator()(sd_event_source* source) const noexcept { sd_event_source_disable_unref(source); }
};
using EventSource = std::unique_ptr<sd_event_source, EventSourceDeleter>;

/// Deleter of an event loop.
struct EventDeleter {
    void operator()(sd_event* loop) const noexcept { sd_event_unref(loop); }
};
using EventLoop = std::unique_ptr<sd_event, EventDeleter>;

} // namespace sesslimit
