// SPDX-License-Identifier: MIT
#pragma once

#include "common/protocol.hpp"
#include "daemon/core/event.hpp"

namespace sesslimit::pam_server {

/// A decoded request as an event: the facts of the login, with the credential read from what sshd says of it.
core::OpenRequested opened_by(const wire::OpenRequest& request, RequestId id, const Leader& leader);

} // namespace sesslimit::pam_server
