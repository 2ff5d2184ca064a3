// SPDX-License-Identifier: MIT
#pragma once

#include "common/protocol.hpp"
#include "daemon/core/event.hpp"

namespace sesslimit::pam_server {

/// Converts a decoded request to an event. The credential of the login is read from the information of sshd.
core::OpenRequested opened_by(const wire::OpenRequest& request, RequestId id, const Leader& leader);

} // namespace sesslimit::pam_server
