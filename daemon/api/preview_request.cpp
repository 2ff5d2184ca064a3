// SPDX-License-Identifier: MIT
#include "daemon/api/preview_request.hpp"

#include "daemon/api/message.hpp"
#include "daemon/policy/load.hpp"

#include <climits>
#include <cstring>

namespace sesslimit::api {
namespace {

bool is_policy_file(const std::string& name) {
    return name.size() <= NAME_MAX && name.find('/') == std::string::npos && policy::is_file_name(name);
}

} // namespace

Result<PreviewRequest> read_preview_request(sd_bus_message* call) {
    const char* file = nullptr;
    const char* text = nullptr;
    const char* session = nullptr;
    if (sd_bus_message_read(call, "sss", &file, &text, &session) < 0) {
        return fail("Invalid arguments");
    }
    if (!is_policy_file(file)) {
        return fail("Invalid name of a policy file; expected a name such as 90-set.toml");
    }
    if (std::strlen(text) > policy::max_file_size) {
        return fail("The text is larger than 1 MiB");
    }
    if (std::strlen(session) > max_argument_length) {
        return fail("Invalid session ID");
    }
    return PreviewRequest{.file = file, .text = text, .session = session};
}

} // namespace sesslimit::api
