// SPDX-License-Identifier: MIT
#include "daemon/api/end_request.hpp"

#include "common/text.hpp"
#include "daemon/api/message.hpp"
#include "daemon/core/session.hpp"

#include <string_view>

namespace sesslimit::api {
namespace {

Result<> read_message(sd_bus_message* call, std::string& message) {
    const char* text = nullptr;
    if (sd_bus_message_read(call, "v", "s", &text) < 0) {
        return fail("The option message is not a string");
    }
    message = text;
    if (message.size() > core::max_note_length) {
        return fail("The message is longer than " + std::to_string(core::max_note_length) + " bytes");
    }
    // D-Bus permits only well-formed UTF-8.
    if (control_at(message) != std::string::npos) {
        return fail("The message contains a control character or more than one line");
    }
    return {};
}

} // namespace

Result<EndRequest> read_end_request(sd_bus_message* call) {
    EndRequest request;
    if (read_text(call, request.target) < 0 || sd_bus_message_enter_container(call, 'a', "{sv}") < 0) {
        return fail("Invalid arguments");
    }
    while (sd_bus_message_enter_container(call, 'e', "sv") > 0) {
        const char* key = nullptr;
        if (sd_bus_message_read(call, "s", &key) < 0) {
            return fail("Invalid arguments");
        }
        if (std::string_view(key) != "message") {
            return fail("Unknown option " + escape_for_display(key, 64) + "; the only option is message");
        }
        if (auto read = read_message(call, request.message); !read) {
            return std::unexpected(read.error());
        }
        sd_bus_message_exit_container(call);
    }
    return request;
}

} // namespace sesslimit::api
