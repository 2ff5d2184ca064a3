// SPDX-License-Identifier: MIT
#include "daemon/messages/journal_entry.hpp"

#include "common/text.hpp"
#include "daemon/messages/display.hpp"
#include "daemon/policy/match.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

namespace sesslimit::messages {
namespace {

using core::Cause;
using core::Session;
using Kind = core::Notice::Kind;

constexpr std::array all_event_infos{
    EventInfo{Kind::admitted, "admitted", "6", "9c5b7a0d1e4f4b6e8f6f2a3c0d715e10"},
    EventInfo{Kind::adopted, "adopted", "6", "9c5b7a0d1e4f4b6e8f6f2a3c0d715e11"},
    EventInfo{Kind::denied, "denied", "5", "9c5b7a0d1e4f4b6e8f6f2a3c0d715e12"},
    EventInfo{Kind::would_deny, "would-deny", "5", "9c5b7a0d1e4f4b6e8f6f2a3c0d715e13"},
    EventInfo{Kind::warned, "warned", "6", "9c5b7a0d1e4f4b6e8f6f2a3c0d715e14"},
    EventInfo{Kind::kept, "kept", "6", "9c5b7a0d1e4f4b6e8f6f2a3c0d715e15"},
    EventInfo{Kind::locked, "locked", "5", "9c5b7a0d1e4f4b6e8f6f2a3c0d715e1c"},
    EventInfo{Kind::ending, "ending", "5", "9c5b7a0d1e4f4b6e8f6f2a3c0d715e16"},
    EventInfo{Kind::would_end, "would-end", "5", "9c5b7a0d1e4f4b6e8f6f2a3c0d715e17"},
    EventInfo{Kind::forced, "forced", "4", "9c5b7a0d1e4f4b6e8f6f2a3c0d715e18"},
    EventInfo{Kind::ended, "ended", "5", "9c5b7a0d1e4f4b6e8f6f2a3c0d715e19"},
    EventInfo{Kind::released, "released", "6", "9c5b7a0d1e4f4b6e8f6f2a3c0d715e1a"},
    EventInfo{Kind::over_limit, "over-limit", "5", "9c5b7a0d1e4f4b6e8f6f2a3c0d715e1b"},
    EventInfo{Kind::fleet_unsure, "fleet-unsure", "5", "9c5b7a0d1e4f4b6e8f6f2a3c0d715e21"},
    EventInfo{Kind::fleet_over_limit, "fleet-over-limit", "5", "9c5b7a0d1e4f4b6e8f6f2a3c0d715e22"},
    EventInfo{Kind::displacement_limited, "displacement-limited", "5", "9c5b7a0d1e4f4b6e8f6f2a3c0d715e1e"},
};

const EventInfo& event_info_of(Kind kind) {
    for (const EventInfo& info : all_event_infos) {
        if (info.kind == kind) {
            return info;
        }
    }
    return all_event_infos.front();
}

std::string_view name_of(Cause cause) {
    switch (cause) {
    case Cause::none:
        return "none";
    case Cause::limit_reached:
        return "limit-reached";
    case Cause::duration:
        return "duration";
    case Cause::idle:
        return "idle";
    case Cause::leader_gone:
        return "leader-gone";
    case Cause::displaced:
        return "displaced";
    case Cause::requested:
        return "asked";
    case Cause::logind_idle:
        return "logind-idle";
    case Cause::fleet_limit_reached:
        return "fleet-limit-reached";
    case Cause::fleet_unavailable:
        return "fleet-unavailable";
    }
    return "none";
}

/// Appends a field with a text from outside, unless the text is empty.
void add(JournalEntry& entry, const char* name, const std::string& text) {
    if (!text.empty()) {
        entry.emplace_back(name, as_journal_field(text));
    }
}

/// Appends the fields about the authentication of a login. The credentials are written as in match.credential.
void add_credential(JournalEntry& entry, const Credential& credential) {
    add(entry, "SESSLIMIT_METHOD", credential.method);
    add(entry, "SESSLIMIT_CREDENTIAL", credential.fingerprint);
    const auto add_prefixed = [&entry](std::string_view prefix, const std::string& text) {
        add(entry, "SESSLIMIT_CREDENTIAL", text.empty() ? "" : std::string(prefix) + text);
    };
    add_prefixed(policy::certificate_id_prefix, credential.certificate_id);
    add_prefixed(policy::authority_prefix, credential.ca);
}

void add_groups(JournalEntry& entry, const std::vector<gid_t>& gids) {
    for (const gid_t gid : std::span(gids).first(std::min(gids.size(), max_groups))) {
        entry.emplace_back("SESSLIMIT_GID", std::to_string(gid));
    }
}

/// Appends the time from the login to the end of a session, and the longest time without activity in between.
void add_end(JournalEntry& entry, Duration duration, core::WholeSeconds longest_idle) {
    entry.emplace_back("SESSLIMIT_DURATION",
                       std::to_string(std::chrono::floor<std::chrono::seconds>(duration).count()));
    if (longest_idle > core::WholeSeconds{}) {
        entry.emplace_back("SESSLIMIT_LONGEST_IDLE", std::to_string(longest_idle.count()));
    }
}

std::string journal_message(const core::Notice& notice) {
    const Session& session = notice.session;
    const std::string login = "login of " + user_of(session);
    const std::string who =
        (session.logind_id.empty() ? "session of " : "session " + id_of(session) + " of ") + user_of(session);
    const std::string why = reason_text(notice.reason);
    const std::string where =
        " (" + escape_for_display(session.login.service, name_bytes) + ", from " + origin_of(session) + ")";
    switch (notice.kind) {
    case Kind::admitted:
        return "Admitted " + login + where + ".";
    case Kind::adopted:
        return "Adopted existing " + who + where + ".";
    case Kind::denied:
        return "Denied " + login + where + ": " + why + ".";
    case Kind::would_deny:
        return "Would have denied " + login + where + ": " + why +
               ". The login was admitted because the mode is observe.";
    case Kind::warned:
        return "Warned " + who + ": it " + (notice.locks ? "will be locked in " : "ends in ") + rough(notice.left) +
               ", " + why + ".";
    case Kind::kept:
        return "Keeping " + who + " open: activity after the warning.";
    case Kind::locked:
        return "Locked " + who + where + ": " + why + ".";
    case Kind::ending:
        return "Terminating " + who + where + ": " + why + ".";
    case Kind::would_end:
        return (notice.locks ? "Would have locked " : "Would have terminated ") + who + where + ": " + why + ". Not " +
               (notice.locks ? "locked" : "terminated") + " because the mode is observe.";
    case Kind::forced:
        return "Sent SIGKILL to " + who + " because its processes did not exit when the session was terminated.";
    case Kind::ended:
        return "Terminated " + who + where + ": " + why + ".";
    case Kind::released:
        return "Closed " + who + where + (notice.reason.cause == Cause::none ? "." : ": " + why + ".");
    case Kind::over_limit:
        return user_of(session) + " has more open sessions than the new policy allows (" + why +
               "); existing sessions are not terminated.";
    case Kind::fleet_unsure:
        return "Admitted " + login + where + " without an answer of the fleet: " + why +
               ". The sessions on this host do not reach it.";
    case Kind::fleet_over_limit:
        return user_of(session) + " has more open sessions on all hosts than the policy allows (" + why +
               "); existing sessions are not terminated.";
    case Kind::displacement_limited:
        return "Logins of " + user_of(session) + " have displaced " +
               std::to_string(core::Displacements::max_displacements) +
               " sessions within a minute. Further logins from the same addresses are denied at the limit, until there "
               "have been none for a minute.";
    }
    return {};
}

} // namespace

std::span<const EventInfo> event_infos() {
    return all_event_infos;
}

std::string_view event_of(Kind kind) {
    return event_info_of(kind).event;
}

void add_limit(JournalEntry& entry, const core::Reason& reason) {
    if (reason.limit && !reason.limit->file.empty()) {
        entry.emplace_back("SESSLIMIT_RULE",
                           as_journal_field(reason.limit->file) + ':' + std::to_string(reason.limit->line));
    }
}

JournalEntry journal_entry(const core::Notice& notice) {
    const EventInfo& info = event_info_of(notice.kind);
    const Session& session = notice.session;
    JournalEntry entry{
        {"MESSAGE", journal_message(notice)},
        {"PRIORITY", std::string(info.priority)},
        {"MESSAGE_ID", std::string(info.id)},
        {"SESSLIMIT_EVENT", std::string(info.event)},
        {"SESSLIMIT_USER", as_journal_field(session.login.user)},
        {"SESSLIMIT_UID", std::to_string(session.login.uid)},
        {"SESSLIMIT_SESSION", as_journal_field(session.logind_id)},
        {"SESSLIMIT_KEY", std::to_string(static_cast<std::uint64_t>(session.key))},
        {"SESSLIMIT_SERVICE", as_journal_field(session.login.service)},
        {"SESSLIMIT_ORIGIN", as_journal_field(session.login.rhost)},
        {"SESSLIMIT_LEADER", std::to_string(session.leader.pid)},
    };
    add_credential(entry, session.login.credential);
    add_groups(entry, session.login.gids);
    add(entry, "SESSLIMIT_SEAT", session.login.seat);
    add(entry, "SESSLIMIT_TERMINAL", session.login.tty);
    if (notice.duration) {
        add_end(entry, *notice.duration, session.longest_idle);
    }
    add_limit(entry, notice.reason);
    if (notice.reason.cause != Cause::none) {
        entry.emplace_back("SESSLIMIT_REASON", std::string(name_of(notice.reason.cause)));
    }
    if (notice.reason.cause == Cause::requested) {
        entry.emplace_back("SESSLIMIT_REQUESTED_BY", as_journal_field(notice.reason.by));
        entry.emplace_back("SESSLIMIT_REQUESTED_BY_UID", std::to_string(notice.reason.count));
    }
    add(entry, "SESSLIMIT_NOTE", notice.note);
    return entry;
}

} // namespace sesslimit::messages
