// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/decision.hpp"
#include "daemon/core/state.hpp"

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What people read: on terminals, at a denied login, in the journal. Values in, words out; whatever came from
/// outside is escaped here (sesslimit::escape_for_display), and nowhere else.
namespace sesslimit::messages {

/// What time it is, to say "since 14:02": the host's time zone is the C library's (tzset(3)).
struct WallClock {
    BootTime now{};
    Duration wall_offset{}; ///< wall clock less boottime
};

/// The reason in a few words: "maximum duration of 12h reached", "no input for 15min".
std::string reason_text(const core::Reason& reason);

/// What a denied user reads, one or more lines without a closing newline: why, and which of their sessions are open,
/// since when and from where. At most `max_listed_sessions` of them; below the bound of the protocol's text.
/// `terminals` gives the names of a session's terminals; `message` is the template of the policy, empty for our own
/// words.
inline constexpr std::size_t max_listed_sessions = 20;
using TerminalNames = std::function<std::vector<std::string>(const core::Session&)>;
std::string denial_text(const core::Session& denied, const core::State& state, const WallClock& clock,
                        const TerminalNames& terminals, std::string_view message = {});

/// What a session's user reads on the terminals, a header that names who speaks and then one line or more, without a
/// closing newline. Empty: nothing to say there. `host` is the host's name. At most `max_terminal_text_length` bytes.
inline constexpr std::size_t max_terminal_text_length = 1536;
std::string terminal_text(const core::Notice& notice, const WallClock& clock, std::string_view host);

/// What a session's user reads as it opens: when it ends at the latest, and after how long without use, which is what
/// `counted` says. One line without a closing newline; empty where no limit holds.
std::string announcement(const core::Session& session, policy::Activity counted, const WallClock& clock);

/// What the journal and the bus call it: "admitted", "would-deny", ...
std::string_view event_of(core::Notice::Kind kind);

/// What one kind of notice is in the journal. Ids are stable: people's alerts are built on them, and the journal's
/// catalog (packaging/journal) and sesslimitd(8) explain each.
struct EventInfo {
    core::Notice::Kind kind;
    std::string_view event;
    std::string_view priority; ///< syslog(3): 4 warning, 5 notice, 6 info
    std::string_view id;
};
/// One for every kind.
std::span<const EventInfo> event_infos();

/// One journal entry: MESSAGE, PRIORITY, MESSAGE_ID and our own fields, in a fixed order. The ids and fields are
/// stable: people's alerts are built on them.
using JournalEntry = std::vector<std::pair<std::string, std::string>>;
JournalEntry journal_entry(const core::Notice& notice);

/// Message ids of what is not about a session (sd_journal_print(3), MESSAGE_ID).
inline constexpr char policy_loaded_id[] = "9c5b7a0d1e4f4b6e8f6f2a3c0d715e01";
inline constexpr char policy_rejected_id[] = "9c5b7a0d1e4f4b6e8f6f2a3c0d715e02";

} // namespace sesslimit::messages
