// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/api/view.hpp"
#include "daemon/core/state.hpp"
#include "daemon/policy/login.hpp"
#include "daemon/policy/policy.hpp"

#include <string>

/// The sentences about the outcome in the replies of the D-Bus methods Explain and ExplainSession. The functions are
/// pure. The sentences have no final period and are safe for display.
namespace sesslimit::api {

/// Returns a sentence that states whether the daemon would currently admit or deny the login, and the reason. The
/// function core::decide() makes this decision, as for a real login.
std::string expected_outcome(const core::State& state, const policy::Policy& policy, const Login& login, BootTime now);

/// Returns a sentence that states which limits will terminate the session, and after which time, or the reason why no
/// limit will. `limits` are the effective limits of the session's login.
std::string session_outcome(const core::Session& session, const policy::Limits& limits,
                            const inspect::TerminalSnapshot& presence, const WallClock& moment);

} // namespace sesslimit::api
