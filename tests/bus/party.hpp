// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/bus/connection.hpp"
#include "daemon/event_loop.hpp"
#include "tests/bus/private_bus.hpp"

#include <functional>
#include <memory>
#include <string>

namespace sesslimit::test {

/// A bus peer that runs in the test's own loop, so that both sides take turns.
class Party {
  public:
    /// Handles each method call. The answer may be sent later. Without a handler, or if it returns a negative code, the
    /// caller receives an error.
    using Answers = std::function<int(sd_bus_message* call)>;

    /// Connects and acquires `name` unless it is null. Throws std::runtime_error on failure.
    Party(const EventLoop& loop, const PrivateBus& bus, const char* name = nullptr, Answers answers = {});

    [[nodiscard]] sd_bus* get() const { return bus_.get(); }

    /// Sends a signal with these values. It is broadcast if `to` is null, otherwise sent only to `to`.
    template <class... Values>
    void tell(const char* to, const char* path, const char* interface, const char* member, const char* types,
              Values... values) {
        sd_bus_message* raw = nullptr;
        (void)sd_bus_message_new_signal(get(), &raw, path, interface, member);
        const bus::Message signal(raw);
        (void)sd_bus_message_append(raw, types, values...);
        if (to != nullptr) {
            (void)sd_bus_message_set_destination(raw, to);
        }
        (void)sd_bus_send(get(), raw, nullptr);
    }

    /// Returns after the bus has forwarded all signals sent so far.
    void settle();

  private:
    struct Deleter {
        void operator()(sd_bus* bus) const noexcept { sd_bus_flush_close_unref(bus); }
    };
    static int on_message(sd_bus_message* m, void* self, sd_bus_error* error);

    Answers answers_;
    std::unique_ptr<sd_bus, Deleter> bus_;
};

/// Returns the remaining values of a message as text, such as `("c1", 5, true), [1, 2]`. A dictionary
/// entry is written as its key and its value.
std::string text_of(sd_bus_message* m);

/// Makes connections of the daemon to the system bus use this bus from now on.
void make_system_bus(const PrivateBus& bus);

} // namespace sesslimit::test
