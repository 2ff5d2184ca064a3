// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/client/bus.hpp"
#include "ctl/client/daemon_client.hpp"

#include <string>
#include <vector>

namespace sesslimit::ctl {

/// A receiver of the daemon's D-Bus signals (Remote::watch). It accepts only signals from the owner of the daemon's bus
/// name, because any process on the system bus can send a signal of any name to another process.
class BusWatch {
  public:
    /// The connection `bus` must be established. Lifetime: `bus` and `watcher` must outlive this object.
    BusWatch(sd_bus* bus, const Remote::Watcher& watcher) : bus_(bus), watcher_(watcher) {}

    Answer<> run();

  private:
    Answer<> subscribe();
    Answer<> find_owner();
    int prepare_loop();
    void watch_reader();

    static int on_signal(sd_bus_message* message, void* self, sd_bus_error*);
    static int on_owner(sd_bus_message* message, void* self, sd_bus_error*);
    static int on_disconnected(sd_bus_message* message, void* self, sd_bus_error*);
    static int on_reader_gone(sd_event_source*, int fd, unsigned events, void* self);

    sd_bus* bus_;
    const Remote::Watcher& watcher_;
    std::string owner_; ///< Unique bus name of the daemon; empty while the daemon is not on the bus.
    EventLoop loop_;
    EventSource reader_;
    std::vector<Slot> slots_;
};

} // namespace sesslimit::ctl
