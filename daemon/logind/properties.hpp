// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/core/event.hpp"

#include <systemd/sd-bus.h>

namespace sesslimit::logind {

/// Reads the answer to org.freedesktop.DBus.Properties.GetAll of a org.freedesktop.login1.Session. Texts are cut to the
/// bounds of common/protocol.hpp; a property that is missing, as between versions of logind, is left empty.
/// The leader has its mark (common/process.hpp); pid 0 where there is no such process.
Result<core::LogindSession> read_session(sd_bus_message* answer);

/// Reads the same for its idle hint: for how long nobody has been there; 0: somebody is.
Result<Duration> read_idle_hint(sd_bus_message* answer);

} // namespace sesslimit::logind
