// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/client/bus.hpp"
#include "ctl/client/daemon_client.hpp"

#include <string>
#include <vector>

namespace sesslimit::ctl {

/// Follows the daemon's signals (Remote::watch). Believes nobody but the owner of the daemon's name: on the system bus
/// anybody may send anybody a signal of any name.
class BusWatch {
  public:
    /// The bus is ready, and it and the watcher outlive the watch.
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
    std::string owner_; ///< unique name of the daemon; empty while it is away
    EventLoop loop_;
    EventSource reader_;
    std::vector<Slot> slots_;
};

} // namespace sesslimit::ctl
