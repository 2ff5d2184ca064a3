// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/core/session.hpp"
#include "daemon/inspect/tcp_activity.hpp"

namespace sesslimit::inspect {

/// Returns an activity sample of a session that is not graphical, from its terminals, its processes and its connection.
/// The sample does not contain `wall_offset`. Errors: fails if the session cannot be inspected, because a sample
/// without values would wrongly show an idle session.
Result<core::ActivitySample> activity_sample_of(const core::Session& session, Connections& connections);

} // namespace sesslimit::inspect
