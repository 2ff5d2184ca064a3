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

/// An owned reference to a message, stored for a later reply.
struct MessageDeleter {
    void operator()(sd_bus_message* m) const noexcept { sd_bus_message_unref(m); }
};
using Message = std::unique_ptr<sd_bus_message, MessageDeleter>;

/// An owned slot of libsystemd. Destroying it cancels the operation.
struct SlotDeleter {
    void operator()(sd_bus_slot* slot) const noexcept { sd_bus_slot_unref(slot); }
};
using Slot = std::unique_ptr<sd_bus_slot, SlotDeleter>;

/// A connection to the system bus, which is reestablished after each loss. Waits for a bus that does not exist yet.
/// Never blocks. Does not poll, except that a bus that exists but accepts no connection is retried every 0.5 s.
class Connection {
  public:
    struct Callbacks {
        /// Called for a new connection, to subscribe and to send requests. A negative errno value closes the connection
        /// again.
        std::function<int(sd_bus*)> connected;
        std::function<void(Error)> failed;
    };

    /// `priority` is that of sd_event_source_set_priority(3). Lower values run first.
    Connection(sd_event* loop, std::string description, std::int64_t priority, Callbacks callbacks);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Starts to connect, and to reconnect whenever the connection is lost.
    void open();

    /// Returns the current bus, or null before open(). Callers must not store it.
    [[nodiscard]] sd_bus* get() const noexcept { return bus_.get(); }

    /// Reports an error if `code` is negative, which means that a call of libsystemd failed. Returns `code`.
    int check(const char* doing, int code) const;

    /// Sends a method call. `handler` receives a pointer to `value`, which lives until the reply has been handled or
    /// the connection is lost. At most `max_under_way` calls are pending at once, because a bus rejects more
    /// (dbus-daemon(1), max_replies_per_connection: 128 on the system bus). Further calls are sent in order as replies
    /// arrive.
    ///
    /// Returns a negative errno value if the call will never be sent. Units: `timeout_usec` as in sd_bus_call_async(3),
    /// counted from the sending.
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

    /// Calls `heard` for each signal that matches `rule` (sd_bus_add_match(3)). The subscription ends when `slot` is
    /// destroyed, or without a slot when the connection is destroyed. All subscriptions must use this function. Only
    /// broadcast signals are delivered.
    ///
    /// Unicast signals are ignored, because any bus client can send one with a forged path and interface. sd-bus does
    /// not compare the sender of such a signal with the sender in the rule. The bus itself forwards only broadcasts
    /// that match a subscription, including the sender. Returns a negative errno value if no signal will be delivered.
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
    static int on_retry(sd_event_source* source, std::uint64_t at, void* self);
    static int on_disconnected(sd_bus_message* m, void* self, sd_bus_error* error);

    sd_event* loop_;
    std::string description_;
    std::int64_t priority_;
    Callbacks callbacks_;
    std::unique_ptr<sd_bus, BusDeleter> bus_;
    /// Pending calls. They are stored here because their data may contain messages, which reference the bus.
    std::list<Slot> under_way_;
    std::deque<Call> waiting_; ///< calls that are not sent yet
    EventSource retry_;
};

/// Converts an error reply to an Error: "DOING: message".
Error error_of(const char* doing, sd_bus_message* answer);

} // namespace sesslimit::bus
