// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/core/event.hpp"

#include <systemd/sd-bus.h>

namespace sesslimit::logind {

/// Reads the properties of a logind session from `answer`, the reply to org.freedesktop.DBus.Properties.GetAll. Texts
/// are truncated to the bounds of common/protocol.hpp. A property is left empty if this version of logind does not have
/// it. The leader process is identified by its PID and a mark, which detects a reused PID (common/process.hpp). The PID
/// is 0 if the process does not exist.
Result<core::LogindSession> read_session(sd_bus_message* answer);

/// Reads the idle time of a logind session from `answer`, the reply to org.freedesktop.DBus.Properties.GetAll. The idle
/// time is the duration for which the idle hint has been set, or 0 if the hint is not set.
Result<Duration> read_idle_hint(sd_bus_message* answer);

} // namespace sesslimit::logind
