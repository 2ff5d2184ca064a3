// SPDX-License-Identifier: MIT
#include "daemon/messages/message_text.hpp"

#include "common/duration.hpp"
#include "common/protocol.hpp"
#include "common/text.hpp"
#include "daemon/core/deadline.hpp"
#include "daemon/messages/display.hpp"
#include "daemon/policy/template.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>
#include <span>
#include <string_view>

namespace sesslimit::messages {
namespace {

using core::Cause;
using core::Session;
using Kind = core::Notice::Kind;

/// Maximum number of terminals that a message lists per session. A user may open any number of terminals, but the
/// message must fit into one protocol frame to the PAM module.
constexpr std::size_t max_terminals = 4;

/// Maximum size in bytes of the list of sessions in the text of a denial. The last line, such as "and 5 more", is not
/// included.
constexpr std::size_t list_bytes = wire::max_text - 512;

std::string sessions(std::uint32_t count) {
    return std::to_string(count) + (count == 1 ? " session" : " sessions");
}

/// Maximum number of hosts that a text about the fleet names.
constexpr std::size_t max_listed_hosts = 3;

/// Returns the start of a session on another host in this host's time zone, such as " since 2026-11-22 14:02". Returns
/// an empty text if the start is not known.
std::string since(const core::FleetHolder& holder) {
    if (holder.since == 0) {
        return {};
    }
    const auto seconds = static_cast<time_t>(holder.since);
    tm local{};
    std::array<char, 32> text{};
    if (localtime_r(&seconds, &local) == nullptr ||
        std::strftime(text.data(), text.size(), " since %Y-%m-%d %H:%M", &local) == 0) {
        return {};
    }
    return text.data();
}

/// Returns the hosts whose sessions occupy the slots of a user in the fleet, such as ": web1 since 2026-11-22 14:02".
/// Returns an empty text if they are not known.
std::string hosts_of(const core::FleetHolders& holders) {
    std::string text;
    const std::size_t listed = std::min(holders.named.size(), max_listed_hosts);
    for (std::size_t at = 0; at < listed; ++at) {
        const core::FleetHolder& holder = holders.named[at];
        text += (at == 0 ? ": " : ", ") + escape_for_display(holder.host, name_bytes) + since(holder);
    }
    return listed == 0 || holders.count <= listed ? text
                                                  : text + " and " + std::to_string(holders.count - listed) + " more";
}

/// Returns the time `at` in the host's time zone, or nothing if the time is outside the range of the calendar.
std::optional<tm> local_time(BootTime at, const WallClock& clock) {
    const auto seconds = static_cast<time_t>(
        std::chrono::floor<std::chrono::seconds>(at.time_since_epoch() + clock.wall_offset).count());
    tm local{};
    return localtime_r(&seconds, &local) == nullptr ? std::nullopt : std::optional(local);
}

/// Returns a local time as text, "14:02" for today and "2026-11-22 14:02" for another day. Includes the seconds if
/// `exact` is true.
std::string time_of_day(BootTime at, const WallClock& clock, bool exact = false) {
    const auto then = local_time(at, clock);
    const auto now = local_time(clock.now, clock);
    if (!then || !now) {
        return "?";
    }
    std::array<char, 32> text{};
    std::size_t size = 0;
    if (then->tm_year != now->tm_year || then->tm_yday != now->tm_yday) {
        size = std::strftime(text.data(), text.size(), "%Y-%m-%d ", &*then);
    }
    const std::span rest = std::span(text).subspan(size);
    size += exact ? std::strftime(rest.data(), rest.size(), "%H:%M:%S", &*then)
                  : std::strftime(rest.data(), rest.size(), "%H:%M", &*then);
    return {text.data(), size};
}

/// Returns the current local date and time, such as "2026-11-22 14:02".
std::string date_of(const WallClock& clock) {
    std::array<char, 32> text{};
    if (const auto now = local_time(clock.now, clock)) {
        (void)std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", &*now);
    }
    return text.data();
}

/// Returns the header of a notice on a terminal, with the sender and the time, in the style of wall(1).
std::string header(const WallClock& clock, std::string_view host) {
    std::array<char, 64> text{};
    if (const auto now = local_time(clock.now, clock)) {
        (void)std::strftime(text.data(), text.size(), "%a %b %e %H:%M:%S %Y", &*now);
    }
    return "Message from sesslimit on " + escape_for_display(host, name_bytes) + " (" + text.data() + "):\n";
}

std::string open_session_line(const Session& open, const WallClock& clock, const TerminalNames& terminals) {
    std::string line = "  session " + id_of(open);
    const std::vector<std::string> names = terminals(open);
    std::string on;
    for (std::size_t at = 0; at < std::min(names.size(), max_terminals); ++at) {
        on += (at == 0 ? " on " : ", ") + escape_for_display(names[at], name_bytes);
    }
    if (names.size() > max_terminals) {
        on += " and " + std::to_string(names.size() - max_terminals) + " more";
    }
    line += on.empty() ? " (" + escape_for_display(open.login.service, name_bytes) + ", no terminal)" : on;
    line += ", since " + time_of_day(open.opened, clock) + " (" + rough(clock.now - open.opened) + ")";
    line += ", from " + origin_of(open);
    line += open.phase == core::Phase::left_behind ? ", left behind" : "";
    return open.phase == core::Phase::ending ? line + ", ending" : line;
}

/// Returns the list of the user's open sessions, with one line for each session. If not all sessions fit, a last line
/// states the number of further sessions.
std::string open_sessions(const Session& denied, const core::State& state, const WallClock& clock,
                          const TerminalNames& terminals) {
    std::string list;
    std::size_t listed = 0;
    std::size_t more = 0;
    for (const SessionKey key : state.of_user(denied.login.uid)) {
        const Session& open = state.at(key);
        if (!core::occupies_slot(open)) {
            continue;
        }
        std::string line;
        if (listed < max_listed_sessions && more == 0) {
            line = (list.empty() ? "" : "\n") + open_session_line(open, clock, terminals);
        }
        if (line.empty() || list.size() + line.size() > list_bytes) {
            ++more;
            continue;
        }
        ++listed;
        list += line;
    }
    if (more > 0) {
        list += "\n  and " + std::to_string(more) + " more";
    }
    return list;
}

/// Maximum size in bytes of message_of_end, a text from the policy, in a notice on a terminal. The size is that after
/// the expansion of placeholders. The bound leaves space for the header of the notice.
constexpr std::size_t end_bytes = max_terminal_text_length - 1024;
constexpr std::size_t note_bytes = 512;

std::string_view what_counts(policy::Activity counted) {
    if (counted.network || counted.processor) {
        return "activity";
    }
    return counted.output ? "input or output" : "input";
}

/// Returns the ways in which the user can keep the session, such as "Press a key or transfer data". Programs on a
/// console must read a key, because the kernel does not report others.
std::string ways_to_keep(const core::Sources& sources) {
    std::vector<std::string> ways{sources.input && !sources.unread_keys ? "Press a key at a prompt" : "Press a key"};
    if (sources.network || sources.channel) {
        ways.emplace_back("transfer data");
    }
    if (sources.output) {
        ways.emplace_back("let a program write output");
    }
    if (sources.processor) {
        ways.emplace_back("let a program use CPU time");
    }
    std::string text = ways.front();
    for (std::size_t at = 1; at < ways.size(); ++at) {
        text += (at + 1 < ways.size() ? ", " : " or ") + ways[at];
    }
    return text;
}

/// Returns the text of a warning that a session will soon be terminated or locked, with the time, the reason, and
/// advice.
std::string warning_text(const core::Notice& notice, const WallClock& clock) {
    const BootTime end = clock.now + notice.left;
    const bool soon = notice.left < std::chrono::minutes(2);
    const std::string when = " in " + rough(notice.left) + ", at " + time_of_day(end, clock, soon);
    const std::string limit = format_span(notice.reason.span);
    if (notice.reason.cause != Cause::idle) {
        return "This session ends" + when + ": its maximum duration is " + limit +
               ". Save your work before the session ends.";
    }
    const std::string idle = " (idle limit " + limit + "). ";
    if (notice.locks) {
        return "This session will be locked" + when + ": no activity detected" + idle +
               "Press a key to keep the session unlocked.";
    }
    return "This session ends" + when + (notice.reason.count == 0 ? ": no input" : ": no activity detected") + idle +
           ways_to_keep(notice.sources) + " to keep the session open.";
}

std::string end_text(const core::Notice& notice) {
    const Session& session = notice.session;
    const std::string note = notice.note.empty() ? "" : "\nMessage: " + escape_for_display(notice.note, note_bytes);
    if (notice.message.empty()) {
        return "This session was terminated: " + reason_text(notice.reason) + "." + note;
    }
    return policy::expand(notice.message,
                          {{"user", user_of(session)},
                           {"reason", reason_text(notice.reason)},
                           {"session", id_of(session)},
                           {"host", origin_of(session)}},
                          end_bytes) +
           note;
}

} // namespace

std::string reason_text(const core::Reason& reason) {
    switch (reason.cause) {
    case Cause::none:
        return "no reason given";
    case Cause::limit_reached:
        if (reason.count == 0) {
            return "no sessions are allowed";
        }
        return "limit of " + sessions(reason.count) +
               (reason.by.empty() ? " reached"
                                  : " shared by rule \"" + escape_for_display(reason.by, name_bytes) + "\" reached");
    case Cause::duration:
        return "maximum duration of " + format_span(reason.span) + " reached";
    case Cause::idle:
        return (reason.count == 0 ? "no input for " : "no activity for ") + format_span(reason.span);
    case Cause::leader_gone:
        return "leader process exited";
    case Cause::displaced:
        return "limit of " + sessions(reason.count) + " reached, displaced by a newer login from " +
               (reason.by.empty() ? "this host" : escape_for_display(reason.by, host_bytes));
    case Cause::requested:
        return "requested by " + escape_for_display(reason.by, host_bytes);
    case Cause::logind_idle:
        return "stopped by logind, probably as idle (StopIdleSessionSec=" + format_span(reason.span) + ")";
    case Cause::fleet_limit_reached:
        return "limit of " + sessions(reason.count) + " on all hosts reached" + hosts_of(reason.holders);
    case Cause::fleet_unavailable:
        return "limit of " + sessions(reason.count) + " on all hosts cannot be checked";
    }
    return {};
}

std::string denial_text(const Session& denied, const core::State& state, const WallClock& clock,
                        const TerminalNames& terminals, std::string_view message) {
    const std::string list = open_sessions(denied, state, clock, terminals);
    std::string own = policy::expand(message,
                                     {{"user", user_of(denied)},
                                      {"limit", std::to_string(denied.reason.count)},
                                      {"open", std::to_string(state.counted(denied.login.uid))},
                                      {"reason", reason_text(denied.reason)},
                                      {"sessions", list},
                                      {"host", origin_of(denied)}},
                                     wire::max_text);
    if (!own.empty()) {
        return own;
    }
    const std::string text = "Login denied for " + user_of(denied) + ": " + reason_text(denied.reason) + ".";
    return list.empty() ? text : text + " Open sessions:\n" + list;
}

std::string notice_text(const core::Notice& notice, const WallClock& clock) {
    switch (notice.kind) {
    case Kind::warned:
        return warning_text(notice, clock);
    case Kind::kept:
        return "This session stays open: activity detected.";
    case Kind::ending:
        return end_text(notice);
    case Kind::locked: // the lock screen hides terminals
    case Kind::admitted:
    case Kind::adopted:
    case Kind::denied:
    case Kind::would_deny:
    case Kind::would_end:
    case Kind::forced:
    case Kind::ended:
    case Kind::released:
    case Kind::over_limit:
    case Kind::displacement_limited:
    case Kind::fleet_unsure:
    case Kind::fleet_over_limit:
        break;
    }
    return {};
}

std::string with_header(std::string_view text, const WallClock& clock, std::string_view host) {
    return header(clock, host) + std::string(text);
}

std::string missed_termination(const core::Notice& notice, const WallClock& clock) {
    const Session& session = notice.session;
    const std::string note = notice.note.empty() ? "" : " Message: " + escape_for_display(notice.note, note_bytes);
    return "On " + date_of(clock) + ", session " + id_of(session) + " (" +
           escape_for_display(session.login.service, name_bytes) + ", from " + origin_of(session) +
           ") was terminated: " + reason_text(notice.reason) + "." + note;
}

std::string missed_denial(const Session& denied, const WallClock& clock) {
    return "On " + date_of(clock) + ", a login (" + escape_for_display(denied.login.service, name_bytes) + ", from " +
           origin_of(denied) + ") was denied: " + reason_text(denied.reason) + ".";
}

std::string denial_report(const Session& denied, const WallClock& clock, std::string_view host) {
    return header(clock, host) + "A login from " + origin_of(denied) + " was denied: " + reason_text(denied.reason) +
           ".";
}

std::string announcement(const Session& session, policy::Activity counted, const WallClock& clock) {
    const BootTime end = core::duration_end(session);
    // An idle limit is not announced if the duration limit always ends the session before the idle limit expires.
    const bool idles = session.idle_timeout != unlimited_duration && after(session.opened, session.idle_timeout) < end;
    const std::string unused =
        "after " + format_span(session.idle_timeout) + " without " + std::string(what_counts(counted)) + ".";
    if (end == never) {
        return idles ? "This session ends " + unused : "";
    }
    const std::string text = "This session ends at " + time_of_day(end, clock) + " (in " + rough(end - clock.now) + ")";
    return idles ? text + ", or " + unused : text + ".";
}

} // namespace sesslimit::messages
