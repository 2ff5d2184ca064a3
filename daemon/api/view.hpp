// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/decision.hpp"
#include "daemon/core/state.hpp"
#include "daemon/inspect/terminal_snapshot.hpp"
#include "daemon/inspect/termination_preview.hpp"
#include "daemon/policy/policy.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

/// How sessions look from outside, org.sesslimit1(5): pure, so that a table can test it.
namespace sesslimit::api {

/// One property of a session, as a{sv} has it: its D-Bus type is that of the alternative (s, t, u, b, as).
using Value = std::variant<std::string, std::uint64_t, std::uint32_t, bool, std::vector<std::string>>;
using Properties = std::vector<std::pair<std::string, Value>>;

/// No limit, no moment: as systemd writes it.
inline constexpr std::uint64_t infinity = UINT64_MAX;

/// What everybody sees, or what the session's owner and root see too.
enum class Visibility : std::uint8_t { anybody, owner };

struct WallClock {
    BootTime now{};
    Duration wall_offset{}; ///< wall clock less boottime
};

/// The id by which every method knows the session: logind's, or "k" and our key where logind has none yet.
std::string id_of(const core::Session& session);

/// The session of such an id that is still one; null where there is none.
const core::Session* find(const core::State& state, const std::string& id);

/// Whether it is listed: not those that are held only until their leader is gone.
bool is_listed(const core::Session& session);

Properties properties(const core::Session& session, const policy::Limits& limits,
                      const inspect::TerminalSnapshot& presence, const WallClock& moment, Visibility visibility);

/// What an end of the session ends and what it does not: for one session that is asked about, as it costs a look at all
/// that its user has running.
Properties termination_preview_properties(const inspect::TerminationPreview& reach, const policy::Limits& limits);

/// The signal that tells of a notice, and its properties; no signal where nobody outside is told.
std::optional<std::string> signal_of(const core::Notice& notice);
Properties signal_properties(const core::Notice& notice, const policy::Limits& limits,
                             const inspect::TerminalSnapshot& presence, const WallClock& moment);

} // namespace sesslimit::api
