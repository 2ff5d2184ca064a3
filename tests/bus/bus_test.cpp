// SPDX-License-Identifier: MIT
#include "daemon/bus/connection.hpp"
#include "tests/bus/party.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/loop_bench.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;

constexpr const char* name = "org.example.Party";
constexpr const char* path = "/org/example";
constexpr const char* interface = "org.example.Party";
const std::string told = "type='signal',sender='org.example.Party',interface='org.example.Party',member='Told'";

struct Bench {
    PrivateBus bus;
    EventLoop loop = make_loop();
    std::string failures;
    std::optional<bus::Connection> connection;

    explicit Bench(std::function<int(bus::Connection&)> connected = [](auto&) { return 0; }) {
        make_system_bus(bus);
        connection.emplace(
            loop.get(), "test", SD_EVENT_PRIORITY_NORMAL,
            bus::Connection::Callbacks{.connected = [this, connected](sd_bus*) { return connected(*connection); },
                                       .failed = [this](const Error& error) { failures += error.what + "; "; }});
    }

    /// Connects. Returns the unique name, once the bus has processed the hello and the match rules.
    std::string open() {
        connection->open();
        (void)run_until(loop, [&] { return sd_bus_is_ready(connection->get()) > 0; });
        std::optional<bool> answered;
        (void)sd_bus_call_method_async(
            connection->get(), nullptr, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
            "GetId",
            [](sd_bus_message*, void* data, sd_bus_error*) {
                *static_cast<std::optional<bool>*>(data) = true;
                return 0;
            },
            &answered, nullptr);
        (void)run_until(loop, [&] { return answered.has_value(); });
        const char* unique = "";
        (void)sd_bus_get_unique_name(connection->get(), &unique);
        return unique;
    }
};

std::string text_of(sd_bus_message* signal) {
    const char* text = "";
    (void)sd_bus_message_read(signal, "s", &text);
    return text;
}

SESSLIMIT_TEST(unicast_signals_ignored) {
    std::string heard;
    Bench bench([&](bus::Connection& connection) {
        return connection.match(told, [&](sd_bus_message* m) { heard += text_of(m) + "; "; });
    });
    const std::string us = bench.open();
    Party owner(bench.loop, bench.bus, name);
    Party stranger(bench.loop, bench.bus);
    stranger.tell(us.c_str(), path, interface, "Told", "s", "by a stranger, to us");
    stranger.tell(nullptr, path, interface, "Told", "s", "by a stranger, to all");
    stranger.settle();
    owner.tell(us.c_str(), path, interface, "Told", "s", "by the owner, to us");
    owner.tell(nullptr, path, interface, "Told", "s", "by the owner, to all");
    EXPECT(run_until(bench.loop, [&] { return heard.ends_with("by the owner, to all; "); }), heard);
    EXPECT_TEXT(heard, "by the owner, to all; ");
}

SESSLIMIT_TEST(released_slot_receives_no_signals) {
    std::string heard;
    bus::Slot slot;
    Bench bench([&](bus::Connection& connection) {
        const int code = connection.match(
            told,
            [&](sd_bus_message*) {
                heard += "once; ";
                slot.reset(); // during the callback
            },
            &slot);
        return code < 0 ? code : connection.match(told, [&](sd_bus_message* m) { heard += text_of(m) + "; "; });
    });
    (void)bench.open();
    Party owner(bench.loop, bench.bus, name);
    owner.tell(nullptr, path, interface, "Told", "s", "one");
    owner.tell(nullptr, path, interface, "Told", "s", "two");
    EXPECT(run_until(bench.loop, [&] { return heard.find("two; ") != std::string::npos; }), heard);
    EXPECT(heard.find("once; ") == heard.rfind("once; ") && heard.find("once; ") != std::string::npos, heard);
}

/// The bus rejects the 129th unanswered call of a connection.
SESSLIMIT_TEST(calls_beyond_limit_queued_and_answered_in_order) {
    constexpr std::uint32_t calls = 200;
    std::vector<bus::Message> held;
    bool at_once = false;
    bool last = false;
    Bench bench;
    (void)bench.open();
    const Party party(bench.loop, bench.bus, name, [&](sd_bus_message* call) {
        if (at_once || sd_bus_message_is_method_call(call, interface, "Last") > 0) {
            return sd_bus_reply_method_return(call, nullptr);
        }
        held.emplace_back(sd_bus_message_ref(call));
        return 0;
    });
    struct Asked {
        std::string* problems;
        std::vector<std::uint32_t>* answered;
        std::uint32_t number;
    };
    std::string problems;
    std::vector<std::uint32_t> answered;
    const auto ask = [&](std::uint32_t number) {
        sd_bus_message* raw = nullptr;
        (void)sd_bus_message_new_method_call(bench.connection->get(), &raw, name, path, interface, "Ask");
        const bus::Message call(raw);
        return bench.connection->call(
            raw,
            [](sd_bus_message* answer, void* data, sd_bus_error*) {
                const auto& asked = *static_cast<Asked*>(data);
                if (sd_bus_message_is_method_error(answer, nullptr) > 0) {
                    *asked.problems += bus::error_of("ask", answer).what + "; ";
                }
                asked.answered->push_back(asked.number);
                return 0;
            },
            Asked{&problems, &answered, number});
    };
    bool sent = true;
    for (std::uint32_t number = 0; number < calls; ++number) {
        sent = ask(number) >= 0 && sent;
    }
    // This call follows all calls sent so far. Its reply shows that the party has received each call that the bus
    // forwarded.
    (void)sd_bus_call_method_async(
        bench.connection->get(), nullptr, name, path, interface, "Last",
        [](sd_bus_message*, void* data, sd_bus_error*) {
            *static_cast<bool*>(data) = true;
            return 0;
        },
        &last, nullptr);
    EXPECT(run_until(bench.loop, [&] { return last; }), "all sent calls have arrived");
    const std::size_t under_way = held.size();
    at_once = true;
    for (const bus::Message& call : held) {
        (void)sd_bus_reply_method_return(call.get(), nullptr);
    }
    const bool all = run_until(bench.loop, [&] { return answered.size() == calls; });
    EXPECT_TEXT(problems + bench.failures, "");
    EXPECT(sent && all && under_way == bus::Connection::max_under_way, std::to_string(under_way));
    for (std::uint32_t number = 0; number < calls; ++number) {
        EXPECT(answered.at(number) == number, "in order");
    }
}

/// A destroyed connection leaves nothing behind: neither the data of a pending call nor, because the data contains a
/// message, the bus.
SESSLIMIT_TEST(pending_call_data_released_with_connection) {
    Bench bench;
    (void)bench.open();
    const Party party(bench.loop, bench.bus, name, [](sd_bus_message*) { return 0; }); // never replies
    sd_bus_message* raw = nullptr;
    (void)sd_bus_message_new_method_call(bench.connection->get(), &raw, name, path, interface, "Ask");
    struct Keeps {
        bus::Message message;
        std::shared_ptr<int> value;
    };
    const auto value = std::make_shared<int>(1);
    const int code = bench.connection->call(
        raw, [](sd_bus_message*, void*, sd_bus_error*) { return 0; }, Keeps{bus::Message(raw), value});
    const long with = value.use_count();
    bench.connection.reset();
    EXPECT(code >= 0 && with == 2 && value.use_count() == 1, std::to_string(value.use_count()));
}

} // namespace
