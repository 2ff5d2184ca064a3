// SPDX-License-Identifier: MIT
#include "daemon/api/preview_request.hpp"

#include "daemon/api/message.hpp"

#include <cstddef>
#include <cstring>

namespace sesslimit::api {
namespace {

constexpr std::size_t max_name_length = 255;               // NAME_MAX
constexpr std::size_t max_size = std::size_t{1024} * 1024; // as in daemon/policy/read_files.cpp

bool is_policy_file_name(const std::string& name) {
    return name.size() <= max_name_length && !name.starts_with('.') && name.ends_with(".toml") &&
           name.find('/') == std::string::npos;
}

} // namespace

Result<PreviewRequest> read_preview_request(sd_bus_message* call) {
    const char* file = nullptr;
    const char* text = nullptr;
    const char* session = nullptr;
    if (sd_bus_message_read(call, "sss", &file, &text, &session) < 0) {
        return fail("Invalid arguments");
    }
    if (!is_policy_file_name(file)) {
        return fail("Invalid name of a policy file; expected a name such as 90-set.toml");
    }
    if (std::strlen(text) > max_size) {
        return fail("The text is larger than 1 MiB");
    }
    if (std::strlen(session) > max_argument_length) {
        return fail("Invalid session ID");
    }
    return PreviewRequest{.file = file, .text = text, .session = session};
}

} // namespace sesslimit::api
