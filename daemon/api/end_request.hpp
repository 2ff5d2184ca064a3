// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"

#include <systemd/sd-bus.h>

#include <string>

namespace sesslimit::api {

/// Arguments of the D-Bus methods EndSession, EndUser and EndCredential, which are of type "sa{sv}".
struct EndRequest {
    std::string target; ///< session ID, user or credential; not checked
    /// Option "message": text for the users of the terminated sessions. UTF-8 without control characters, at most
    /// core::max_note_length bytes.
    std::string message;
};

/// Reads the arguments of a call. Errors: the text is a sentence for the caller, without a period.
Result<EndRequest> read_end_request(sd_bus_message* call);

} // namespace sesslimit::api
