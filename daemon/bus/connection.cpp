// SPDX-License-Identifier: MIT
#include "daemon/bus/connection.hpp"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <tuple>
#include <utility>

namespace sesslimit::bus {
namespace {

constexpr const char* system_bus = "unix:path=/run/dbus/system_bus_socket";
constexpr Duration retry_interval = std::chrono::milliseconds(500);

/// Returns the address in the variable DBUS_SYSTEM_BUS_ADDRESS, which sd_bus_open_system(3) also uses. Returns the
/// default address of the system bus if the variable is not set.
const char* address() {
    const char* given = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
    return given != nullptr ? given : system_bus;
}

} // namespace

void Connection::BusDeleter::operator()(sd_bus* bus) const noexcept {
    sd_bus_detach_event(bus);
    sd_bus_close(bus);
    sd_bus_unref(bus);
}

Connection::Connection(sd_event* loop, std::string description, std::int64_t priority, Callbacks callbacks)
    : loop_(loop), description_(std::move(description)), priority_(priority), callbacks_(std::move(callbacks)),
      retry_timer_(loop, CLOCK_MONOTONIC, [this] { open(); }) {}

int Connection::check(const char* doing, int code) const {
    if (code < 0) {
        callbacks_.failed(fail_errno(doing, -code).error());
    }
    return code;
}

void Connection::open() {
    int code = start();
    if (code >= 0) {
        code = callbacks_.connected(bus_.get());
    }
    if (check("connect to the system bus", code) < 0) {
        open_later();
    }
}

int Connection::call(Call call) {
    if (under_way_.size() >= max_under_way) {
        waiting_.push_back(std::move(call));
        return 0;
    }
    return send(std::move(call));
}

int Connection::send(Call call) {
    auto owned = std::make_unique<Call>(std::move(call));
    sd_bus_slot* slot = nullptr;
    const int code = sd_bus_call_async(bus_.get(), &slot, owned->message.get(), &Connection::on_answer, owned.get(),
                                       owned->timeout_usec);
    if (code >= 0) {
        sd_bus_slot_set_destroy_callback(slot, [](void* data) { delete static_cast<Call*>(data); });
        under_way_.emplace_front(slot);
        owned->place = under_way_.begin();
        std::ignore = owned.release();
    }
    return code;
}

int Connection::on_answer(sd_bus_message* m, void* data, sd_bus_error* error) {
    // The object `answered` remains valid after the call was removed from `under_way_`, because sd-bus destroys the
    // data of a pending call only after its reply handler has returned.
    const auto& answered = *static_cast<Call*>(data);
    Connection& self = *answered.owner;
    const int code = answered.handler(m, answered.data, error);
    self.under_way_.erase(answered.place);
    while (!self.waiting_.empty() && self.under_way_.size() < max_under_way) {
        Call next = std::move(self.waiting_.front());
        self.waiting_.pop_front();
        const int sent = self.send(std::move(next));
        if (sent == -ENOTCONN) { // on_disconnected() reports this error
            self.waiting_.clear();
        } else {
            self.check("send a queued call", sent);
        }
    }
    return code;
}

int Connection::match(const std::string& rule, Heard heard, Slot* slot) {
    auto owned = std::make_unique<Heard>(std::move(heard));
    sd_bus_slot* raw = nullptr;
    const int code =
        sd_bus_add_match_async(bus_.get(), &raw, rule.c_str(), &Connection::on_signal, nullptr, owned.get());
    if (code < 0) {
        return code;
    }
    sd_bus_slot_set_destroy_callback(raw, [](void* data) { delete static_cast<Heard*>(data); });
    std::ignore = owned.release();
    Slot made(raw);
    if (slot != nullptr) {
        *slot = std::move(made);
    } else {
        sd_bus_slot_set_floating(raw, 1);
    }
    return code;
}

int Connection::on_signal(sd_bus_message* m, void* heard, sd_bus_error*) {
    if (sd_bus_message_get_destination(m) == nullptr) {
        (*static_cast<const Heard*>(heard))(m);
    }
    return 0;
}

int Connection::start() {
    // The pending calls of the previous connection are discarded, because they will not get a reply.
    waiting_.clear();
    under_way_.clear();
    bus_.reset();
    sd_bus* raw = nullptr;
    int code = sd_bus_new(&raw);
    bus_.reset(raw);
    const auto then = [&code](auto next) { code = code < 0 ? code : next(); };
    then([raw] { return sd_bus_set_address(raw, address()); });
    then([raw] { return sd_bus_set_bus_client(raw, 1); });
    then([raw, this] { return sd_bus_set_description(raw, description_.c_str()); });
    then([raw] { return sd_bus_set_watch_bind(raw, 1); }); // waits for a missing socket
    then([raw] { return sd_bus_start(raw); });
    then([raw, this] { return sd_bus_attach_event(raw, loop_, static_cast<int>(priority_)); });
    // sd-bus reports the loss of the connection by the local signal Disconnected (sd_bus_add_match(3)).
    then([raw, this] {
        return sd_bus_match_signal(raw, nullptr, "org.freedesktop.DBus.Local", "/org/freedesktop/DBus/Local",
                                   "org.freedesktop.DBus.Local", "Disconnected", &Connection::on_disconnected, this);
    });
    return code;
}

void Connection::open_later() {
    // A timer starts the reconnection, because the lost connection is not closed completely until the caller of this
    // function returns.
    if (const auto armed = retry_timer_.arm_in(retry_interval); !armed) {
        callbacks_.failed(armed.error());
    }
}

int Connection::on_disconnected(sd_bus_message*, void* self, sd_bus_error*) {
    auto& connection = *static_cast<Connection*>(self);
    connection.callbacks_.failed({"connection to the system bus lost, reconnecting", 0});
    connection.open_later();
    return 0;
}

Error error_of(const char* doing, sd_bus_message* answer) {
    const sd_bus_error* error = sd_bus_message_get_error(answer);
    return {std::string("failed to ") + doing + ": " + (error->message != nullptr ? error->message : error->name),
            sd_bus_error_get_errno(error)};
}

} // namespace sesslimit::bus
