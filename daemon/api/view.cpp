// SPDX-License-Identifier: MIT
#include "daemon/api/view.hpp"

#include "common/text.hpp"
#include "daemon/core/activity.hpp"
#include "daemon/core/deadline.hpp"
#include "daemon/messages/journal_entry.hpp"

#include <algorithm>
#include <charconv>
#include <memory>

namespace sesslimit::api {
namespace {

using core::Phase;
using core::Session;

std::string_view state_of(Phase phase) {
    switch (phase) {
    case Phase::waiting:
    case Phase::asking:
        return "waiting";
    case Phase::admitted:
        return "admitted";
    case Phase::active:
        return "active";
    case Phase::ending:
        return "ending";
    case Phase::denied:
        return "denied";
    case Phase::closed:
        return "closed";
    case Phase::left_behind:
        return "left-behind";
    }
    return "";
}

std::uint64_t usec(Duration span) {
    return span == unlimited_duration ? infinity : static_cast<std::uint64_t>(std::max(Duration{}, span).count());
}

std::uint64_t realtime(BootTime at, const WallClock& moment) {
    return at == never ? infinity : usec(at.time_since_epoch() + moment.wall_offset);
}

/// Returns a copy of `session` in which the time of the last terminal input is up to date. In `session` this time may
/// be old, because the core inspects the terminals only when a decision depends on the input.
Session with_input(Session session, const inspect::TerminalSnapshot& presence, const WallClock& moment) {
    // If there was no input since the last activity sample of the core, the time that the core has computed is kept.
    // Computing it again would give a wrong time if the wall clock has been set in the meantime.
    if (presence.input && *presence.input != session.last_sample.input) {
        const BootTime input = std::min(moment.now, BootTime(*presence.input - moment.wall_offset));
        if (input > session.last_input) {
            session.last_input = input;
            session.last_source = core::Source::input;
        }
        session.terminal = core::Terminal::some;
    }
    // Further samples can show that the last data on the connections was background traffic. The shown times must not
    // be longer than the time that is left.
    if (const core::TrafficUse& use = traffic_of(session).use; use.earliest == use.last) {
        return session; // as at each login, whose signal must not copy histories
    }
    core::SessionTraffic traffic = traffic_of(session);
    traffic.use.last = traffic.use.earliest;
    traffic.use.source = traffic.use.earliest_source;
    Session earliest = session;
    earliest.traffic = std::make_shared<const core::SessionTraffic>(std::move(traffic));
    return core::idle_end(earliest) > moment.now ? earliest : session;
}

std::vector<std::string> as_utf8_list(const std::vector<std::string>& texts) {
    std::vector<std::string> all;
    std::ranges::transform(texts, std::back_inserter(all), [](const std::string& text) { return as_utf8(text); });
    return all;
}

/// Returns the names of sources of activity, as in the setting idle_activity.
std::vector<std::string> names_of(const core::Sources& sources) {
    std::vector<std::string> names;
    const auto add = [&names](bool applies, core::Source source) {
        if (applies) {
            names.emplace_back(name_of(source));
        }
    };
    add(sources.input, core::Source::input);
    add(sources.network, core::Source::network);
    add(sources.channel, core::Source::channel);
    add(sources.output, core::Source::output);
    add(sources.processor, core::Source::processor);
    add(sources.hint, core::Source::hint);
    return names;
}

/// Returns true if the idle limit never expires, because no source shows the use of the session.
bool is_never_idle(const Session& session, const core::Sources& sources) {
    const bool is_known = session.terminal != core::Terminal::unknown || session.graphical || core::is_web(session);
    return is_known && sources == core::Sources{};
}

/// Adds the user ID and the name of the person who requested the termination of a session, if it was requested.
void add_requester(Properties& all, const core::Reason& reason) {
    if (reason.cause == core::Cause::requested) {
        all.emplace_back("RequestedByUid", reason.count);
        all.emplace_back("RequestedBy",
                         reason.person.empty() ? "UID " + std::to_string(reason.count) : as_utf8(reason.person));
    }
}

/// Returns the idle times of a session whose last input is up to date.
IdleTimes idle_times_of(const Session& now, const core::Sources& sources, const WallClock& moment) {
    return {.since = sources == core::Sources{} ? std::uint64_t{0} : realtime(core::last_use_of(now), moment),
            .ends_at = realtime(is_never_idle(now, sources) ? never : idle_end(now), moment),
            .last_activity = name_of(last_source_of(now))};
}

} // namespace

std::string id_of(const Session& session) {
    return session.logind_id.empty() ? "k" + std::to_string(std::to_underlying(session.key))
                                     : as_utf8(session.logind_id);
}

bool is_listed(const Session& session) {
    return session.phase == Phase::waiting || session.phase == Phase::asking || session.phase == Phase::ending ||
           core::is_terminable(session);
}

const Session* find(const core::State& state, const std::string& id) {
    const Session* session = state.by_logind(id);
    if (session == nullptr && id.starts_with('k')) {
        std::uint64_t key = 0;
        const auto [end, error] = std::from_chars(id.data() + 1, id.data() + id.size(), key);
        if (error == std::errc() && end == id.data() + id.size()) {
            session = state.find(SessionKey{key});
        }
    }
    return session != nullptr && is_listed(*session) ? session : nullptr;
}

const Session* find_to_end(const core::State& state, const std::string& id) {
    const Session* session = find(state, id);
    const bool is_login = session != nullptr && (session->phase == Phase::waiting || session->phase == Phase::asking);
    return is_login ? nullptr : session;
}

Visibility visibility_of(uid_t caller, const Session& session) {
    return caller == 0 || caller == session.login.uid ? Visibility::owner : Visibility::any_caller;
}

IdleTimes idle_times(const Session& session, const policy::Limits& limits, const inspect::TerminalSnapshot& presence,
                     const WallClock& moment) {
    const Session now = with_input(session, presence, moment);
    return idle_times_of(now, sources_of(now, limits.idle_activity.value), moment);
}

Properties properties(const Session& session, const policy::Limits& limits, const inspect::TerminalSnapshot& presence,
                      const WallClock& moment, Visibility visibility) {
    const Session now = with_input(session, presence, moment);
    const core::Sources sources = sources_of(now, limits.idle_activity.value);
    const IdleTimes idle = idle_times_of(now, sources, moment);
    const bool open = session.phase == Phase::admitted || core::is_limited(session);
    const bool spared = session.phase == Phase::left_behind && !open;
    Properties all{
        {"Id", id_of(session)},
        {"Key", std::uint64_t{std::to_underlying(session.key)}},
        {"User", as_utf8(session.login.user)},
        {"Uid", std::uint32_t{session.login.uid}},
        {"State", std::string(state_of(session.phase))},
        {"Service", as_utf8(session.login.service)},
        {"Terminals", as_utf8_list(presence.terminals)},
        {"Origin", as_utf8(session.login.rhost)},
        {"Seat", as_utf8(session.login.seat)},
        {"Scope", as_utf8(session.scope)},
        {"Leader", static_cast<std::uint32_t>(session.leader.pid)},
        {"Adopted", session.adopted},
        {"Since", realtime(session.opened, moment)},
        {"IdleSince", idle.since},
        {"MaxDuration", usec(spared ? unlimited_duration : session.max_duration)},
        {"IdleTimeout", usec(spared ? unlimited_duration : core::idle_limit(now))},
        {"ActivitySources", names_of(sources)},
        {"LastActivity", std::string(idle.last_activity)},
        {"DurationEndsAt", realtime(open ? duration_end(now) : never, moment)},
        {"IdleEndsAt", idle.ends_at},
        {"Mode", std::string(limits.mode.value == policy::Mode::observe ? "observe" : "enforce")},
        {"Reason", session.phase == Phase::ending ? messages::reason_text(session.reason) : std::string()},
    };
    if (session.phase == Phase::ending) {
        add_requester(all, session.reason);
    }
    if (visibility == Visibility::owner) {
        all.emplace_back("Credential", as_utf8(session.login.credential.fingerprint));
        all.emplace_back("Method", as_utf8(session.login.credential.method));
        all.emplace_back("RemoteUser", as_utf8(session.login.ruser));
    }
    return all;
}

Properties termination_preview_properties(const inspect::TerminationPreview& reach, const policy::Limits& limits) {
    return {
        {"Processes", static_cast<std::uint32_t>(reach.processes)},
        {"Commands", as_utf8_list(reach.commands)},
        {"Kept", as_utf8_list(reach.kept)},
        {"Keep", as_utf8_list(limits.keep.value.programs)},
        {"OtherUnits", as_utf8_list(reach.units)},
        {"Lingers", reach.lingers},
    };
}

std::optional<std::string> signal_of(const core::Notice& notice) {
    using Kind = core::Notice::Kind;
    switch (notice.kind) {
    case Kind::admitted:
    case Kind::adopted:
        return "SessionOpened";
    case Kind::denied:
    case Kind::would_deny:
        return "SessionDenied";
    case Kind::warned:
        return "SessionWarned";
    case Kind::kept:
        return "SessionKept";
    case Kind::locked:
        return "SessionLocked";
    case Kind::ending:
    case Kind::would_end:
    case Kind::forced:
        return "SessionEnding";
    case Kind::ended:
    case Kind::released:
        return "SessionEnded";
    case Kind::over_limit:
    case Kind::fleet_unsure:
    case Kind::fleet_over_limit:
    case Kind::displacement_limited:
        break; // these notices have no signal
    }
    return std::nullopt;
}

Properties signal_properties(const core::Notice& notice, const policy::Limits& limits,
                             const inspect::TerminalSnapshot& presence, const WallClock& moment) {
    Properties all = properties(notice.session, limits, presence, moment, Visibility::any_caller);
    std::erase_if(all, [](const auto& property) {
        return property.first == "Reason" || property.first == "RequestedByUid" || property.first == "RequestedBy";
    });
    const bool reasoned = notice.reason.cause != core::Cause::none;
    all.emplace_back("Reason", reasoned ? messages::reason_text(notice.reason) : std::string());
    add_requester(all, notice.reason);
    all.emplace_back("Event", std::string(messages::event_of(notice.kind)));
    if (notice.kind == core::Notice::Kind::warned) {
        all.emplace_back("Left", usec(notice.left));
    }
    return all;
}

} // namespace sesslimit::api
