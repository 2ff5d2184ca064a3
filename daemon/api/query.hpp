// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/api/backend.hpp"
#include "daemon/policy/login.hpp"

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include <cstddef>
#include <string>
#include <vector>

/// The replies of the D-Bus methods that only read. Each function sends the reply to `call`. `caller` is the user ID of
/// the caller, which determines the data in the reply. Returns a negative errno value if the reply cannot be sent.
namespace sesslimit::api {

/// Maximum number of session IDs in a call of ListIdle.
inline constexpr std::size_t max_idle_ids = 1000;

int reply_sessions(sd_bus_message* call, Backend& backend, uid_t caller);

/// Replies with an error if the session does not exist.
int reply_session(sd_bus_message* call, Backend& backend, uid_t caller, const std::string& id);

/// Replies with the idle times of the sessions with these IDs. Omits IDs of sessions that do not exist.
int reply_idle_times(sd_bus_message* call, Backend& backend, const std::vector<std::string>& ids);

int reply_explanation(sd_bus_message* call, Backend& backend, const Login& login);

/// Replies with an error if the session does not exist, or if the caller is neither root nor the session's user. The
/// matching rules show how the user has authenticated, which other users must not see.
int reply_session_explanation(sd_bus_message* call, Backend& backend, uid_t caller, const std::string& id);

int reply_defaults(sd_bus_message* call, Backend& backend);

/// Replies with the sessions as they would be under the policy `changed`, and with PolicyPreview::denial.
int reply_policy_preview(sd_bus_message* call, Backend& backend, uid_t caller, const policy::Policy& changed,
                         const std::string& session);

/// Replies with the error that the session does not exist.
int reply_no_such_session(sd_bus_message* call, const std::string& id);

} // namespace sesslimit::api
