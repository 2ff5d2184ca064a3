// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/bus/connection.hpp"
#include "daemon/event_loop.hpp"
#include "tests/bus/private_bus.hpp"

#include <functional>
#include <memory>
#include <string>

namespace sesslimit::test {

/// Somebody on the bus, who lives in the test's own loop: whoever sends and whoever answers take turns.
class Party {
  public:
    /// Given each method call; the answer may come later. Without one, or where it returns a code below 0, the caller
    /// is told of an error.
    using Answers = std::function<int(sd_bus_message* call)>;

    /// Has its name, if any, when the constructor returns; throws std::runtime_error where it does not get it.
    Party(const EventLoop& loop, const PrivateBus& bus, const char* name = nullptr, Answers answers = {});

    [[nodiscard]] sd_bus* get() const { return bus_.get(); }

    /// A signal of this type and with these values: to everybody, or to `to` alone.
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

    /// Returns when the bus has passed on all that was told.
    void settle();

  private:
    struct Deleter {
        void operator()(sd_bus* bus) const noexcept { sd_bus_flush_close_unref(bus); }
    };
    static int on_message(sd_bus_message* m, void* self, sd_bus_error* error);

    Answers answers_;
    std::unique_ptr<sd_bus, Deleter> bus_;
};

/// A connection of the daemon's finds this bus from now on.
void make_system_bus(const PrivateBus& bus);

} // namespace sesslimit::test
