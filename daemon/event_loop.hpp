// SPDX-License-Identifier: MIT
#pragma once

#include <systemd/sd-event.h>

#include <memory>

namespace sesslimit {

/// An event source of the loop: gone from it when this goes.
struct EventSourceDeleter {
    void operator()(sd_event_source* source) const noexcept { sd_event_source_disable_unref(source); }
};
using EventSource = std::unique_ptr<sd_event_source, EventSourceDeleter>;

struct EventDeleter {
    void operator()(sd_event* loop) const noexcept { sd_event_unref(loop); }
};
using EventLoop = std::unique_ptr<sd_event, EventDeleter>;

} // namespace sesslimit
