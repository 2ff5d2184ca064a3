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
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// Functions that convert sessions to the properties and signals of org.sesslimit1(5). The functions are pure, so that
/// tests can check them with tables of inputs and results.
namespace sesslimit::api {

/// Value of a session's property on D-Bus. The alternatives have the D-Bus types s, t, u, b and as.
using Value = std::variant<std::string, std::uint64_t, std::uint32_t, bool, std::vector<std::string>>;
using Properties = std::vector<std::pair<std::string, Value>>;

/// Value of a D-Bus property for an unlimited duration or for a time that is not set. systemd uses the same value.
inline constexpr std::uint64_t infinity = UINT64_MAX;

/// Set of a session's properties that a D-Bus caller may read. `any_caller` is the set of properties that every user
/// may read. `owner` adds the properties that only the session's user and root may read.
enum class Visibility : std::uint8_t { any_caller, owner };

/// Returns the set of the session's properties that the user `caller` may read.
Visibility visibility_of(uid_t caller, const core::Session& session);

using messages::WallClock;

/// Returns the ID of the session in the D-Bus interface. This is logind's session ID. If logind has not announced the
/// session yet, the ID is the letter "k" followed by the daemon's key of the session.
std::string id_of(const core::Session& session);

/// Returns the session with the ID `id` (see id_of()). Returns null if the session does not exist, or was denied or
/// closed.
const core::Session* find(const core::State& state, const std::string& id);

/// Returns the session with the ID `id` if it can be terminated, and null otherwise. A login that is still waiting for
/// a session slot cannot be terminated, because it is admitted or denied shortly anyway.
const core::Session* find_to_end(const core::State& state, const std::string& id);

/// Returns true if the session is visible on D-Bus. A denied or closed session is not visible. The daemon tracks such a
/// session only until its leader process exits.
bool is_listed(const core::Session& session);

Properties properties(const core::Session& session, const policy::Limits& limits,
                      const inspect::TerminalSnapshot& presence, const WallClock& moment, Visibility visibility);

/// The idle times of a session, which are the properties IdleSince, IdleEndsAt and LastActivity.
struct IdleTimes {
    std::uint64_t since = 0;          ///< in microseconds since the epoch; 0 if the activity cannot be observed
    std::uint64_t ends_at = infinity; ///< in microseconds since the epoch
    std::string_view last_activity;   ///< source of the last activity; empty if it is unknown
};

IdleTimes idle_times(const core::Session& session, const policy::Limits& limits,
                     const inspect::TerminalSnapshot& presence, const WallClock& moment);

/// Returns the properties that list the processes and units that a termination of the session would terminate or
/// preserve. Only GetSession returns these properties. ListSessions does not, because all processes and units of each
/// user would have to be read.
Properties termination_preview_properties(const inspect::TerminationPreview& reach, const policy::Limits& limits);

/// Returns the name of the D-Bus signal for a notice, which is a message about a session. Returns nullopt if the kind
/// of the notice has no signal.
std::optional<std::string> signal_of(const core::Notice& notice);
/// Returns the properties of a session that the D-Bus signal for the notice contains.
Properties signal_properties(const core::Notice& notice, const policy::Limits& limits,
                             const inspect::TerminalSnapshot& presence, const WallClock& moment);

} // namespace sesslimit::api
