// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/loop.hpp"

#include <systemd/sd-bus.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace sesslimit::bus {

/// A reference to a message: kept for an answer that comes later.
struct MessageDeleter {
    void operator()(sd_bus_message* m) const noexcept { sd_bus_message_unref(m); }
};
using Message = std::unique_ptr<sd_bus_message, MessageDeleter>;

/// A connection to the system bus that is made again whenever it is lost. A bus that is not there yet is waited for.
/// Never blocks and, but for the half second after a loss, never polls.
class Connection {
  public:
    struct Callbacks {
        /// A new connection stands: subscribe and ask. What it returns below 0 (an errno value) gives it up again.
        std::function<int(sd_bus*)> connected;
        std::function<void(Error)> failed;
    };

    /// `priority` is that of sd_event_source_set_priority(3): lower goes first.
    Connection(sd_event* loop, std::string description, std::int64_t priority, Callbacks callbacks);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void open();

    /// The bus as it is now; null before open(). Not to be kept.
    [[nodiscard]] sd_bus* get() const noexcept { return bus_.get(); }

    /// Reports a failed call of libsystemd's: a code below 0. Returns the code.
    int check(const char* doing, int code) const;

  private:
    struct BusDeleter {
        void operator()(sd_bus* bus) const noexcept;
    };

    int start();
    void open_later();
    static int on_retry(sd_event_source* source, std::uint64_t at, void* self);
    static int on_disconnected(sd_bus_message* m, void* self, sd_bus_error* error);

    sd_event* loop_;
    std::string description_;
    std::int64_t priority_;
    Callbacks callbacks_;
    std::unique_ptr<sd_bus, BusDeleter> bus_;
    EventSource retry_;
};

/// An error answer as an error of ours: "DOING: message".
Error error_of(const char* doing, sd_bus_message* answer);

/// Sends a method call whose answer is handled with a value of its own; `Call` lives until the answer has been handled,
/// or the connection is lost. Returns the code of sd_bus_call_async(3).
template <class Call>
int call_async(sd_bus* bus, sd_bus_message* m, sd_bus_message_handler_t on_answer, Call call,
               std::uint64_t timeout_usec = 0) {
    auto owned = std::make_unique<Call>(std::move(call));
    sd_bus_slot* slot = nullptr;
    const int code = sd_bus_call_async(bus, &slot, m, on_answer, owned.get(), timeout_usec);
    if (code >= 0) {
        sd_bus_slot_set_destroy_callback(slot, [](void* data) { delete static_cast<Call*>(data); });
        sd_bus_slot_set_floating(slot, 1); // the bus keeps it until the answer
        sd_bus_slot_unref(slot);
        (void)owned.release();
    }
    return code;
}

} // namespace sesslimit::bus
