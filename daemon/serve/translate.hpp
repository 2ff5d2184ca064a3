// SPDX-License-Identifier: MIT
#pragma once

#include "common/protocol.hpp"
#include "daemon/warden/event.hpp"

namespace sesslimit::serve {

/// A decoded request as an event: the facts of the login, with the credential read from what sshd says of it.
warden::Opened opened_by(const wire::OpenRequest& request, RequestId id, const Leader& leader);

} // namespace sesslimit::serve
