// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/api/backend.hpp"
#include "daemon/core/decision.hpp"
#include "daemon/event_loop.hpp"

#include <systemd/sd-bus.h>

#include <functional>
#include <memory>
#include <span>

namespace sesslimit::api {

/// Service of the daemon on the system bus, org.sesslimit1(5). The service has the lowest priority in the event loop,
/// so that logins are served before D-Bus callers. If the bus does not exist when the daemon starts, the service waits
/// for the bus. No other part of the daemon depends on the service.
class Service {
  public:
    /// `failed` receives errors for the administrator. Lifetime: `loop` must outlive the service.
    Service(sd_event* loop, std::function<void(Error)> failed);
    ~Service();
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    /// Connects to the bus, and serves the data and operations of `backend` to D-Bus callers. The service emits no
    /// signal before this call. Calls `published` once the service owns its name, or the bus has refused it. It is
    /// called again after each reconnection, and never if the bus does not exist or does not answer. Lifetime:
    /// `backend` must outlive the service.
    void open(Backend& backend, std::function<void()> published);

    /// Returns the methods, properties and signals of the D-Bus interface org.sesslimit1.Manager.
    static std::span<const sd_bus_vtable> members();

    /// Emit signals to the subscribers.
    void emit(const core::Notice& notice);
    void emit_policy(const std::string& state);
    void emit_policy_problems();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit::api
