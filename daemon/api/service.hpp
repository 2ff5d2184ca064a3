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

/// org.sesslimit1 on the system bus, org.sesslimit1(5). Served behind everything else of the loop: people who ask come
/// after people who log in. A bus that is not there is waited for; nothing else depends on it.
class Service {
  public:
    /// `backend` lives longer than the service. `failed` gets what an administrator should know.
    Service(sd_event* loop, Backend& backend, std::function<void(Error)> failed);
    ~Service();
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    void open();

    /// The methods, properties and signals.
    static std::span<const sd_bus_vtable> members();

    /// Tells those who listen.
    void emit(const core::Notice& notice);
    void emit_policy(const std::string& state);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit::api
