// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/api/view.hpp"
#include "daemon/core/state.hpp"
#include "daemon/policy/login.hpp"
#include "daemon/policy/policy.hpp"

#include <string>

/// The outcome of a login, of the limits of a session, and of a change of the policy, in the replies of D-Bus methods.
/// The functions are pure. The sentences have no final period and are safe for display.
namespace sesslimit::api {

/// The decision that the daemon would make about a login.
struct LoginOutcome {
    bool is_denied = false;
    std::string text; ///< sentence with the decision and its reason
};

/// Returns the decision that the daemon would currently make about the login. The function core::decide() makes this
/// decision, as for a real login.
LoginOutcome expected_outcome(const core::State& state, const policy::Policy& policy, const Login& login, BootTime now);

/// Returns a sentence that states which limits will terminate the session, and after which time, or the reason why no
/// limit will. `limits` are the effective limits of the session's login.
std::string session_outcome(const core::Session& session, const policy::Limits& limits,
                            const inspect::TerminalSnapshot& presence, const WallClock& moment);

/// The effect that another policy would have.
struct PolicyPreview {
    core::State state; ///< state of the daemon after the change of the policy
    /// Sentence about the denial of another login like that of a session, if only the other policy would deny it.
    /// Otherwise empty.
    std::string denial;
};

/// Returns the effect that the policy `changed` would have if it came into effect now. `session` is the ID of the
/// session whose login is considered for PolicyPreview::denial, or empty.
PolicyPreview preview_of(const core::State& state, const policy::Policy& current, const policy::Policy& changed,
                         const std::string& session, BootTime now);

} // namespace sesslimit::api
