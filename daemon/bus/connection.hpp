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

/// A reference to a message: kept for an answer that comes later.
struct MessageDeleter {
    void operator()(sd_bus_message* m) const noexcept { sd_bus_message_unref(m); }
};
using Message = std::unique_ptr<sd_bus_message, MessageDeleter>;

/// Something that the bus does for us, until this goes.
struct SlotDeleter {
    void operator()(sd_bus_slot* slot) const noexcept { sd_bus_slot_unref(slot); }
};
using Slot = std::unique_ptr<sd_bus_slot, SlotDeleter>;

/// A connection to the system bus that is made again whenever it is lost. A bus that is not there yet is waited for.
/// Never blocks and never polls, but that a bus which is there and takes nobody is tried every half a second.
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

    /// Sends a method call whose answer is handled with a value of its own: `handler` is given a pointer to it. `Value`
    /// lives until the answer has been handled, or the connection is lost. At most `max_under_way` are under way at
    /// once, since a bus denies what is too much (dbus-daemon(1), max_replies_per_connection: 128 on the system bus);
    /// the others follow as answers come, in their order. Returns a code below 0 (an errno value) where it is not sent
    /// and never will be. `timeout_usec` as of sd_bus_call_async(3), from the sending on.
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

    /// Has `heard` called with each signal that `rule` (sd_bus_add_match(3)) asks for, until `slot` goes, or without
    /// one until the connection does. The only way to listen: a signal that was sent to us alone is nobody's word.
    /// Every user of the bus may send such a one in the name of any path and interface, and sd-bus does not hold it
    /// against the sender that the rule asks for. Of broadcasts the bus itself passes on those alone that somebody
    /// asked for, with that sender. Returns a code below 0 (an errno value) where nothing will be heard.
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
        void* data; ///< what `kept` has
        std::unique_ptr<Kept> kept;
        std::uint64_t timeout_usec;
        Connection* owner;
        std::list<Slot>::iterator place{}; ///< in under_way_, once it is sent
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
    /// Calls that were sent and are not answered. Kept by us: what they keep may be messages, which keep the bus.
    std::list<Slot> under_way_;
    std::deque<Call> waiting_; ///< others, to be sent
    EventSource retry_;
};

/// An error answer as an error of ours: "failed to DOING: message".
Error error_of(const char* doing, sd_bus_message* answer);

} // namespace sesslimit::bus
