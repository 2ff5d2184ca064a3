// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/decision.hpp"
#include "daemon/core/state.hpp"
#include "daemon/inspect/terminal_snapshot.hpp"
#include "daemon/inspect/termination_preview.hpp"
#include "daemon/messages/message_text.hpp"
#include "daemon/policy/policy.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

/// The sessions as shown on D-Bus, org.sesslimit1(5). The functions are pure, so that a table can test them.
namespace sesslimit::api {

/// One property of a session as in a{sv}. The alternatives have the D-Bus types s, t, u, b and as.
using Value = std::variant<std::string, std::uint64_t, std::uint32_t, bool, std::vector<std::string>>;
using Properties = std::vector<std::pair<std::string, Value>>;

/// The value for an unlimited span or an absent time, as in systemd.
inline constexpr std::uint64_t infinity = UINT64_MAX;

/// The visibility of properties. `any_caller` permits the properties for every caller. `owner` also permits those for
/// the session's owner and root.
enum class Visibility : std::uint8_t { any_caller, owner };

/// Returns the visibility of the session's properties for a caller with this user ID.
Visibility visibility_of(uid_t caller, const core::Session& session);

using messages::WallClock;

/// Returns the session ID used by every method. It is logind's ID, or "k" and the session key if logind has none yet.
std::string id_of(const core::Session& session);

/// Returns the existing session with that ID, or null if it does not exist.
const core::Session* find(const core::State& state, const std::string& id);

/// Like find(), but returns null for a waiting login. A waiting login cannot be terminated, because the core decides
/// about it shortly anyway.
const core::Session* find_to_end(const core::State& state, const std::string& id);

/// Returns false for sessions that are only tracked until their leader exits.
bool is_listed(const core::Session& session);

Properties properties(const core::Session& session, const policy::Limits& limits,
                      const inspect::TerminalSnapshot& presence, const WallClock& moment, Visibility visibility);

/// Returns the processes and units that terminating the session would terminate and preserve. They are computed only if
/// one session is requested, because all processes and units of the user must be read.
Properties termination_preview_properties(const inspect::TerminationPreview& reach, const policy::Limits& limits);

/// Returns the signal for a notice, or nullopt if the notice has no signal. The second function returns its properties.
std::optional<std::string> signal_of(const core::Notice& notice);
Properties signal_properties(const core::Notice& notice, const policy::Limits& limits,
                             const inspect::TerminalSnapshot& presence, const WallClock& moment);

} // namespace sesslimit::api
