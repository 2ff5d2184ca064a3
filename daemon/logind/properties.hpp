// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/core/event.hpp"

#include <systemd/sd-bus.h>

namespace sesslimit::logind {

/// Reads the reply to org.freedesktop.DBus.Properties.GetAll of an org.freedesktop.login1.Session. Texts are truncated
/// to the bounds of common/protocol.hpp. A missing property, which depends on the version of logind, is left empty. The
/// mark of the leader is set (common/process.hpp). The leader's pid is 0 if the process does not exist.
Result<core::LogindSession> read_session(sd_bus_message* answer);

/// Reads the idle time from the reply to the same call. It is the time since the idle hint was set, or 0 if the hint is
/// not set.
Result<Duration> read_idle_hint(sd_bus_message* answer);

} // namespace sesslimit::logind
