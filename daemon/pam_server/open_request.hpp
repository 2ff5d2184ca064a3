// SPDX-License-Identifier: MIT
#pragma once

#include "common/protocol.hpp"
#include "daemon/core/event.hpp"

namespace sesslimit::pam_server {

/// Converts a decoded request to an event. Parses the login's credential from the information that sshd provides.
core::OpenRequested opened_by(const wire::OpenRequest& request, RequestId id, const Leader& leader);

} // namespace sesslimit::pam_server
