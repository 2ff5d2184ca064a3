// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/core/event.hpp"

#include <systemd/sd-bus.h>

namespace sesslimit::logind {

/// Reads the reply to org.freedesktop.DBus.Properties.GetAll of an org.freedesktop.login1.Session. Texts are truncated
/// to the bounds of common/protocol.hpp. A missing property, which depends on the version of logind, is left empty. The
/// leader has its mark (common/process.hpp), and its pid is 0 if the process does not exist.
Result<core::LogindSession> read_session(sd_bus_message* answer);

/// Reads the idle time from the same reply: the time since the idle hint was set, or 0 if the session is in use.
Result<Duration> read_idle_hint(sd_bus_message* answer);

} // namespace sesslimit::logind
