// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/event_loop.hpp"

#include <systemd/sd-bus.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>

namespace sesslimit::bus {

/// Owned reference to a D-Bus message, for example to a method call that is answered later.
struct MessageDeleter {
    void operator()(sd_bus_message* m) const noexcept { sd_bus_message_unref(m); }
};
using Message = std::unique_ptr<sd_bus_message, MessageDeleter>;

/// Owned sd_bus_slot, which represents a pending call or a subscription. Destroying the slot cancels the call or the
/// subscription.
struct SlotDeleter {
    void operator()(sd_bus_slot* slot) const noexcept { sd_bus_slot_unref(slot); }
};
using Slot = std::unique_ptr<sd_bus_slot, SlotDeleter>;

/// Connection to the system bus, which is reestablished after each loss. Never blocks. Waits without polling for a bus
/// that does not exist yet. If the bus exists but does not accept connections, retries every 0.5 s.
class Connection {
  public:
    struct Callbacks {
        /// Called for each new connection to the bus, to subscribe to signals and to send requests. If a negative errno
        /// value is returned, the connection is closed and a new connection is opened after 0.5 s.
        std::function<int(sd_bus*)> connected;
        std::function<void(Error)> failed;
    };

    /// `priority` is the priority of the connection in the event loop (sd_event_source_set_priority(3)). Lower values
    /// run first.
    Connection(sd_event* loop, std::string description, std::int64_t priority, Callbacks callbacks);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Starts to connect to the bus. Reconnects whenever the connection is lost.
    void open();

    /// Returns the sd-bus object of the current connection, or null before open(). Callers must not store the pointer,
    /// because each reconnection creates a new object.
    [[nodiscard]] sd_bus* get() const noexcept { return bus_.get(); }

    /// Passes an error to the callback `failed` if `code`, the return value of a libsystemd function, is negative.
    /// Returns `code`.
    int check(const char* doing, int code) const;

    /// Sends a D-Bus method call. `handler` receives the reply and a pointer to `value`, which lives until the reply
    /// has been handled or the connection is lost. At most `max_under_way` calls are pending at once, because a bus
    /// rejects more (dbus-daemon(1), max_replies_per_connection: 128 on the system bus). Further calls are sent in
    /// order as replies arrive.
    ///
    /// Returns a negative errno value if the method call cannot be sent. Units: `timeout_usec` is in microseconds as in
    /// sd_bus_call_async(3), counted from the time when the call is sent.
    template <class Value>
    int call(sd_bus_message* m, sd_bus_message_handler_t handler, Value value, std::uint64_t timeout_usec = 0) {
        auto kept = std::make_unique<KeptValue<Value>>(std::move(value));
        void* data = &kept->value;
        return call(Call{.message = Message(sd_bus_message_ref(m)),
                         .handler = handler,
                         .data = data,
                         .kept = std::move(kept),
                         .timeout_usec = timeout_usec,
                         .owner = this});
    }

    static constexpr std::size_t max_under_way = 64;

    using Heard = std::function<void(sd_bus_message* signal)>;

    /// Calls `heard` for each broadcast signal that matches `rule` (sd_bus_add_match(3)). All subscriptions of the
    /// daemon must use this function, because only this function ignores unicast signals. The subscription ends when
    /// `slot` is destroyed. Without a slot, it ends with the connection. Returns a negative errno value if the
    /// subscription fails.
    ///
    /// Unicast signals are ignored, because any bus client can send one with a forged path and interface. sd-bus does
    /// not compare the sender of a unicast signal with the sender in the match rule. For a broadcast signal the bus
    /// itself checks the whole rule, including the sender, before it forwards the signal.
    int match(const std::string& rule, Heard heard, Slot* slot = nullptr);

  private:
    struct Kept {
        Kept() = default;
        Kept(const Kept&) = delete;
        Kept& operator=(const Kept&) = delete;
        virtual ~Kept() = default;
    };
    template <class Value>
    struct KeptValue final : Kept {
        explicit KeptValue(Value given) : value(std::move(given)) {}
        Value value;
    };
    struct Call {
        Message message;
        sd_bus_message_handler_t handler;
        void* data; ///< pointer into `kept`
        std::unique_ptr<Kept> kept;
        std::uint64_t timeout_usec;
        Connection* owner;
        std::list<Slot>::iterator place{}; ///< position in under_way_ after sending
    };

    int call(Call call);
    int send(Call call);
    static int on_answer(sd_bus_message* m, void* call, sd_bus_error* error);
    static int on_signal(sd_bus_message* m, void* heard, sd_bus_error* error);

    struct BusDeleter {
        void operator()(sd_bus* bus) const noexcept;
    };

    int start();
    void open_later();
    static int on_disconnected(sd_bus_message* m, void* self, sd_bus_error* error);

    sd_event* loop_;
    std::string description_;
    std::int64_t priority_;
    Callbacks callbacks_;
    std::unique_ptr<sd_bus, BusDeleter> bus_;
    /// Slots (sd_bus_slot) of the pending method calls. They are owned by the Connection instead of the sd-bus object,
    /// because a slot may contain messages that reference the sd-bus object. Such a cycle of references would prevent
    /// both from being freed.
    std::list<Slot> under_way_;
    std::deque<Call> waiting_; ///< calls to be sent later
    Timer retry_timer_;
};

/// Converts a D-Bus error reply to an Error with the text "failed to DOING: MESSAGE".
Error error_of(const char* doing, sd_bus_message* answer);

} // namespace sesslimit::bus
