// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"

#include <systemd/sd-bus.h>

#include <string>

namespace sesslimit::api {

/// Arguments of the D-Bus method PreviewPolicy, which are of type "sss".
struct PreviewRequest {
    std::string file;    ///< name of a policy file in policy.d, without a directory; need not exist
    std::string text;    ///< new text of the file, at most 1 MiB
    std::string session; ///< ID of the caller's session, or empty; not checked
};

/// Reads the arguments of a call. Errors: the text is a sentence for the caller, without a period.
Result<PreviewRequest> read_preview_request(sd_bus_message* call);

} // namespace sesslimit::api
