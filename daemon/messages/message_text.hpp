// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/decision.hpp"
#include "daemon/core/state.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// Functions that convert values to texts for users and administrators, on terminals, at denied logins and in the
/// journal. The functions escape data from outside (sesslimit::escape_for_display). Callers must not escape such data
/// again.
namespace sesslimit::messages {

/// Maximum number of bytes of an escaped name of a user, service, rule, session or terminal in a text.
inline constexpr std::size_t name_bytes = 64;

/// Maximum number of bytes of an escaped host name in a text.
inline constexpr std::size_t host_bytes = 128;

/// Current time, which is used for local times in texts, such as "since 14:02". The C library provides the time zone
/// (tzset(3)).
struct WallClock {
    BootTime now{};
    Duration wall_offset{}; ///< wall clock minus boottime
};

/// Returns a short description of the reason for a denial or a termination, such as "maximum duration of 12h reached"
/// or "no input for 15min".
std::string reason_text(const core::Reason& reason);

/// Returns the text for the user of a denied login, one or more lines without a trailing newline. The text contains the
/// reason, and at most `max_listed_sessions` open sessions of the user with start time and origin. The size of the text
/// is at most wire::max_text bytes.
///
/// The list of sessions contains the names of each session's terminals, which `terminals` returns. `message` is the
/// template of the text in the policy, or empty if the policy has none. If it expands to an empty text, the built-in
/// text is returned.
inline constexpr std::size_t max_listed_sessions = 20;
using TerminalNames = std::function<std::vector<std::string>(const core::Session&)>;
std::string denial_text(const core::Session& denied, const core::State& state, const WallClock& clock,
                        const TerminalNames& terminals, std::string_view message = {});

/// Returns the text of a notice, which is a message about a session, for the terminals of the session. The text
/// consists of one or more lines without a trailing newline. Returns an empty text if this kind of notice is not shown
/// on terminals. With its header, the text has at most `max_terminal_text_length` bytes.
inline constexpr std::size_t max_terminal_text_length = 2048;
std::string notice_text(const core::Notice& notice, const WallClock& clock);

/// Returns a text that is preceded by the header of a notice, with the sender and the time. `host` is the name of the
/// host.
std::string with_header(std::string_view text, const WallClock& clock, std::string_view host);

/// Returns the text about a termination or a denial that is shown at the next login of the user. It is one line, at
/// most MissedReasons::max_length bytes.
std::string missed_termination(const core::Notice& notice, const WallClock& clock);
std::string missed_denial(const core::Session& denied, const WallClock& clock);

/// Returns the text for the terminals of a user's open sessions after the login `denied` of the same user. It has a
/// header.
std::string denial_report(const core::Session& denied, const WallClock& clock, std::string_view host);

/// Returns the text that a user reads at the start of a session. The text contains the time at which the session ends
/// at the latest, and its idle limit. It is one line without a trailing newline. `counted` is the value of the setting
/// idle_activity. Returns an empty text if no limit applies.
std::string announcement(const core::Session& session, policy::Activity counted, const WallClock& clock);

} // namespace sesslimit::messages
