// SPDX-License-Identifier: MIT
#include "fleet/fleetd/system_state.hpp"

#include <systemd/sd-bus.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace sesslimit::fleet {
namespace {

constexpr std::uint64_t timeout_usec = 1'000'000;

struct CloseBus {
    void operator()(sd_bus* bus) const noexcept { sd_bus_close_unref(bus); }
};
struct FreeText {
    void operator()(char* text) const noexcept { std::free(text); }
};

} // namespace

bool is_system_stopping() {
    sd_bus* raw = nullptr;
    if (sd_bus_open_system(&raw) < 0) {
        return false;
    }
    const std::unique_ptr<sd_bus, CloseBus> bus(raw);
    char* text = nullptr;
    sd_bus_set_method_call_timeout(raw, timeout_usec);
    if (sd_bus_get_property_string(raw, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                                   "org.freedesktop.systemd1.Manager", "SystemState", nullptr, &text) < 0) {
        return false;
    }
    const std::unique_ptr<char, FreeText> state(text);
    return std::string_view(text) == "stopping";
}

} // namespace sesslimit::fleet
