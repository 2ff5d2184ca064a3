// SPDX-License-Identifier: MIT
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include <memory>

/// Owning pointers to objects of libsystemd, and the names of the daemon on the system bus.
namespace sesslimit::ctl {

template <auto Unref>
struct Unreferencer {
    template <class T>
    void operator()(T* object) const {
        Unref(object);
    }
};
using Bus = std::unique_ptr<sd_bus, Unreferencer<sd_bus_close_unref>>;
using Message = std::unique_ptr<sd_bus_message, Unreferencer<sd_bus_message_unref>>;
using Credentials = std::unique_ptr<sd_bus_creds, Unreferencer<sd_bus_creds_unref>>;
using Slot = std::unique_ptr<sd_bus_slot, Unreferencer<sd_bus_slot_unref>>;
using EventLoop = std::unique_ptr<sd_event, Unreferencer<sd_event_unref>>;
using EventSource = std::unique_ptr<sd_event_source, Unreferencer<sd_event_source_disable_unref>>;

inline constexpr char bus_name[] = "org.sesslimit1";
inline constexpr char bus_path[] = "/org/sesslimit1";
inline constexpr char manager[] = "org.sesslimit1.Manager";

} // namespace sesslimit::ctl
