// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/core/session.hpp"
#include "daemon/inspect/tcp_activity.hpp"

#include <sys/types.h>

#include <optional>

namespace sesslimit::inspect {

/// Returns the ID of the control group of the session's scope. Returns nothing if the session has no scope.
std::optional<ino_t> control_group_of(const core::Session& session);

/// Returns an activity sample of a session that is not graphical, from its terminals and its processes. The sample does
/// not contain `wall_offset` and the counters of connections (TrafficSample). Errors: fails if the session cannot be
/// inspected, because a sample without values would wrongly show an idle session.
Result<core::ActivitySample> activity_sample_of(const core::Session& session, Connections& connections);

/// Returns the counters of a socket. `now` is the time to which the ages in `traffic` refer.
core::SocketSample socket_sample_of(const Traffic& traffic, BootTime now);

} // namespace sesslimit::inspect
