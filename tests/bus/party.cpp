// SPDX-License-Identifier: MIT
#include "tests/bus/party.hpp"

#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace sesslimit::test {

Party::Party(const EventLoop& loop, const PrivateBus& bus, const char* name, Answers answers)
    : answers_(std::move(answers)) {
    sd_bus* raw = nullptr;
    bool done = sd_bus_new(&raw) >= 0;
    bus_.reset(raw);
    done = done && sd_bus_set_address(raw, bus.address().c_str()) >= 0 && sd_bus_set_bus_client(raw, 1) >= 0 &&
           sd_bus_add_filter(raw, nullptr, &Party::on_message, this) >= 0 && sd_bus_start(raw) >= 0 &&
           (name == nullptr || sd_bus_request_name(raw, name, 0) >= 0) &&
           sd_bus_attach_event(raw, loop.get(), SD_EVENT_PRIORITY_NORMAL) >= 0;
    if (!done) {
        throw std::runtime_error("cannot connect to the test bus");
    }
}

int Party::on_message(sd_bus_message* m, void* self, sd_bus_error*) {
    const auto& party = *static_cast<Party*>(self);
    if (sd_bus_message_is_method_call(m, nullptr, nullptr) <= 0 || !party.answers_) {
        return 0;
    }
    const int code = party.answers_(m);
    return code < 0 ? code : 1;
}

void Party::settle() {
    sd_bus_message* answer = nullptr;
    (void)sd_bus_call_method(get(), "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetId",
                             nullptr, &answer, nullptr);
    sd_bus_message_unref(answer);
}

namespace {

std::string basic_text(sd_bus_message* m, char type) {
    if (type == 's') {
        const char* text = "";
        (void)sd_bus_message_read_basic(m, type, static_cast<void*>(&text));
        return '"' + std::string(text) + '"';
    }
    if (type == 'b') {
        int truth = 0;
        (void)sd_bus_message_read_basic(m, type, &truth);
        return truth != 0 ? "true" : "false";
    }
    std::uint64_t number = 0; // the hosts of the tests are little-endian
    (void)sd_bus_message_read_basic(m, type, &number);
    return std::to_string(number);
}

std::string container_text(sd_bus_message* m, char type, const char* contents) {
    (void)sd_bus_message_enter_container(m, type, contents);
    std::string inside = text_of(m);
    (void)sd_bus_message_exit_container(m);
    return type == 'a' ? '[' + inside + ']' : type == 'r' ? '(' + inside + ')' : inside;
}

} // namespace

std::string text_of(sd_bus_message* m) {
    std::string all;
    char type = 0;
    const char* contents = nullptr;
    while (sd_bus_message_peek_type(m, &type, &contents) > 0) {
        all += all.empty() ? "" : ", ";
        all += contents == nullptr ? basic_text(m, type) : container_text(m, type, contents);
    }
    return all;
}

void make_system_bus(const PrivateBus& bus) {
    (void)setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address().c_str(), 1);
}

} // namespace sesslimit::test
