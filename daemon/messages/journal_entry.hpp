// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/decision.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Entries of the journal about sessions. The functions escape data from outside. Callers must not escape such data
/// again.
namespace sesslimit::messages {

/// Returns the name of an event about a session, in the journal and on D-Bus, such as "admitted" or "would-deny".
std::string_view event_of(core::Notice::Kind kind);

/// Properties of the journal entries for one kind of notice, which is a message about a session. The message IDs are
/// stable, because administrators' alerts depend on them. The journal catalog (packaging/journal) and sesslimitd(8)
/// explain each ID.
struct EventInfo {
    core::Notice::Kind kind;
    std::string_view event;
    std::string_view priority; ///< priority of syslog(3): 4 warning, 5 notice, 6 info
    std::string_view id;
};
/// Returns the priorities and message IDs of all kinds of notices in the journal.
std::span<const EventInfo> event_infos();

/// Maximum number of groups of a user in a journal entry.
inline constexpr std::size_t max_groups = 64;

/// Names and values of the fields of a journal entry: MESSAGE, PRIORITY, MESSAGE_ID and the SESSLIMIT_ fields, in a
/// fixed order. The message IDs and field names are stable, because administrators' alerts depend on them. The names
/// are string literals.
using JournalEntry = std::vector<std::pair<std::string_view, std::string>>;
JournalEntry journal_entry(const core::Notice& notice);

/// Appends the line of the policy that sets a limit to a journal entry, unless no file sets the limit.
void add_limit(JournalEntry& entry, const core::Reason& reason);

/// Message IDs of journal entries that are not about a session (sd_journal_print(3), MESSAGE_ID).
inline constexpr char policy_loaded_id[] = "9c5b7a0d1e4f4b6e8f6f2a3c0d715e01";
inline constexpr char policy_rejected_id[] = "9c5b7a0d1e4f4b6e8f6f2a3c0d715e02";
inline constexpr char fleet_repaired_id[] = "9c5b7a0d1e4f4b6e8f6f2a3c0d715e23";

} // namespace sesslimit::messages
