// SPDX-License-Identifier: MIT
// The model and its comparison with the core's output.
#include "tests/model/host.hpp"

#include "common/local_login.hpp"

#include <algorithm>

namespace sesslimit::model {
namespace {

using namespace std::chrono_literals;
using core::Cause;
using Kind = Notice::Kind;

/// Maximum delay of a terminal's timestamp behind its input.
constexpr Duration stamp_step = 8s;

std::uint32_t number(std::size_t count) {
    return static_cast<std::uint32_t>(count);
}

} // namespace

void Host::wrong(const std::string& what) {
    if (wrong_.empty()) {
        const std::string& log = world_.log;
        wrong_ = what + "; log: ..." + log.substr(log.size() - std::min<std::size_t>(log.size(), 500));
    }
}

Process* Host::of(SessionKey key) {
    const auto at = std::ranges::find(processes_, key, &Process::key);
    return key == SessionKey::none || at == processes_.end() ? nullptr : &*at;
}

Phase Host::phase_of(const Process& process) const {
    const Session* session = world_.find(process.key);
    return session == nullptr ? Phase::closed : session->phase;
}

/// Returns true if the process has a login that waits for the fleet. It occupies a slot of this host.
bool Host::asks(const Process& process) const {
    return std::ranges::any_of(requests_, [&](const auto& entry) {
        const auto& [id, request] = entry;
        const bool is_open = !request.gone && request.answers == 0 && &processes_[request.process] == &process;
        const Session* session = is_open ? world_.state.by_request(RequestId{id}) : nullptr;
        return session != nullptr && session->phase == Phase::asking;
    });
}

bool Host::is_fleet_limited(const Login& login) const {
    return bounds_of(plan_, login).fleet != no_limit;
}

/// Returns the number of the user's other sessions of this host that count in the fleet.
std::uint32_t Host::inside_fleet(const Process& process) const {
    return number(static_cast<std::size_t>(std::ranges::count_if(processes_, [&](const Process& other) {
        return &other != &process && occupies(other) && !asks(other) && other.login.uid == process.login.uid &&
               is_fleet_limited(other.login);
    })));
}

/// Returns the number of the user's logins that have a slot of the fleet, and wait for one of this host.
std::uint32_t Host::granted(uid_t uid) const {
    const auto& keys = world_.state.of_user(uid);
    return number(static_cast<std::size_t>(std::ranges::count_if(keys, [&](SessionKey key) {
        const Session& session = world_.state.at(key);
        return session.phase == Phase::waiting && session.fleet_claim != FleetClaim::none &&
               session.fleet_claim != FleetClaim::asked;
    })));
}

/// Notes when logins begin to ask, and checks that no session is displaced for a login without a slot of the fleet.
void Host::check_claims() {
    for (const auto& [key, session] : world_.state.sessions()) {
        if (session.fleet_claim == FleetClaim::asked && session.claim_until > world_.now) {
            Verdict& verdict = verdicts_.try_emplace(key, Verdict{.asked = world_.now}).first->second;
            verdict.has_slot = session.phase == Phase::asking;
        }
        const bool is_displaced = session.phase == Phase::ending && session.reason.cause == Cause::displaced;
        if (!is_displaced || !displaced_.insert(key).second || down_ || planned_ == world_.now ||
            !is_fleet_limited(session.login) || !bounds_of(plan_, session.login).enforced) {
            continue;
        }
        if (granted(session.login.uid) == 0) {
            wrong("a session is displaced for a login without a slot of the fleet");
        }
    }
}

/// Checks that an admitted login has a slot of the fleet, or that this host may decide alone.
void Host::check_fleet(const Process& process, const Answer& answer) {
    const Bounds bounds = bounds_of(plan_, process.login);
    const auto known = verdicts_.find(answer.session.key);
    const bool was_asked = known != verdicts_.end() && known->second.asked > BootTime{};
    Verdict verdict = known != verdicts_.end() ? known->second : Verdict{};
    verdict.asked = was_asked ? verdict.asked : world_.now; // otherwise it was decided at once
    if (bounds.fleet == no_limit || !bounds.enforced || planned_ >= verdict.asked) {
        return;
    }
    if (verdict.is_granted && !verdict.is_beyond) {
        return;
    }
    const bool was_down = world_.state.fleet() == FleetState::down || fleet_down_until_ >= verdict.asked;
    const bool is_unanswered =
        verdict.is_unknown || was_down || world_.now >= after(verdict.asked, Timeouts::claim_wait);
    if (verdict.is_full || verdict.is_beyond || !is_unanswered) {
        wrong("admitted although the fleet has not admitted it");
    }
    if (bounds.denies_unanswered) {
        wrong("admitted without an answer of the fleet");
    }
    if (inside_fleet(process) >= bounds.fleet) {
        wrong("admitted without the fleet, beyond its limit on this host");
    }
}

void Host::check_fleet_denial(const Process& process, const Notice& notice) {
    const Bounds bounds = bounds_of(plan_, process.login);
    const Verdict verdict = verdicts_[notice.session.key];
    if (bounds.fleet == no_limit || !bounds.enforced) {
        return wrong("denied by the fleet without an enforced limit");
    }
    if (notice.reason.cause == Cause::fleet_unavailable) {
        return verdict.is_granted || verdict.is_full || !bounds.denies_unanswered
                   ? wrong("denied although the fleet has answered")
                   : void();
    }
    const bool is_full_here = inside_fleet(process) + granted(process.login.uid) >= bounds.fleet;
    if (!verdict.is_full && !verdict.is_beyond && (verdict.is_granted || !is_full_here)) {
        wrong("denied although the limit of the fleet is not reached");
    }
}

bool Host::occupies(const Process& process) const {
    return process.in || asks(process) || (process.behind && bounds_of(plan_, process.login).counts_left);
}

std::uint32_t Host::inside(uid_t uid) const {
    return number(static_cast<std::size_t>(std::ranges::count_if(
        processes_, [&](const Process& process) { return occupies(process) && process.login.uid == uid; })));
}

std::uint32_t Host::inside(SharedLimit total) const {
    return number(static_cast<std::size_t>(std::ranges::count_if(processes_, [&](const Process& process) {
        const std::vector<SharedLimit> of = bounds_of(plan_, process.login).shared_limits;
        return occupies(process) && std::ranges::find(of, total) != of.end();
    })));
}

/// Returns the number of the user's other admitted sessions. If `process` was shown by logind, adopted sessions that
/// came later are not counted, because PAM may be about to ask about them too.
std::uint32_t Host::others(const Process& process) const {
    return number(static_cast<std::size_t>(std::ranges::count_if(processes_, [&](const Process& other) {
        const bool later = process.shown && !process.logind_id.empty() && other.adopted && other.key > process.key;
        return occupies(other) && other.login.uid == process.login.uid && &other != &process && !later;
    })));
}

bool Host::is_full(const Process& process) const {
    const Bounds bounds = bounds_of(plan_, process.login);
    const std::uint32_t own = occupies(process) ? 1 : 0;
    return others(process) >= bounds.own || std::ranges::any_of(bounds.shared_limits, [&](SharedLimit total) {
               return inside(total) - own >= most_of(plan_, total);
           });
}

/// The rest of a session without a leader is not terminated if no limit applies, and neither if a limit applies later.
void Host::spare_unlimited() {
    for (Process& process : processes_) {
        process.spared = process.spared || (!process.alive && bounds_of(plan_, process.login).is_unlimited());
    }
}

/// The limits may differ now from those that the users knew of.
void Host::surprise() {
    for (Process& process : processes_) {
        surprise(process, world_.now);
    }
}

/// At `when`, limits of the session may have expired without a warning.
void Host::surprise(Process& process, BootTime when) const {
    const Duration grace = plan_.defaults.warn ? plan_.defaults.warn->front() : Timeouts::grace_period;
    const bool exempt = bounds_of(plan_, process.login).duration == unlimited_duration;
    process.fair = std::max(process.fair, after(when, exempt ? Timeouts::grace_period : grace));
}

/// Applies the core's new answers and notices to the model.
void Host::check() {
    if (down_) {
        return;
    }
    for (Process& process : processes_) {
        if (process.in && process.has_left()) { // its slot is free before it can be assigned again
            process.in = false;
            process.behind = true;
        }
        process.behind = process.behind && !process.logind_id.empty();
        if (process.undated && world_.find(process.key) != nullptr && !is_unprobed(process)) {
            process.perhaps_used = std::max(process.perhaps_used, world_.now);
            process.undated = false;
        }
        const Phase phase = phase_of(process);
        if (process.adopted && (phase == Phase::waiting || phase == Phase::asking)) {
            process.in = process.adopted = false; // PAM asked about it late, and it waits for a slot
        }
    }
    // The order in which answers and notices are carried out.
    for (; answered_ < world_.answers.size(); ++answered_) {
        hear(Answer(world_.answers[answered_]));
    }
    for (; noticed_ < world_.notices.size(); ++noticed_) {
        hear(Notice(world_.notices[noticed_]));
    }
    if (!would_deny_.empty()) {
        wrong("admitted beyond an observed limit without a notice, or a notice without that");
    }
    check_counts();
    if (!world_.fault.empty()) {
        wrong(world_.fault);
    }
}

void Host::check_counts() {
    std::size_t all = 0;
    for (const uid_t uid : {test::alice, test::bob, carol}) {
        all += inside(uid);
        if (world_.state.counted(uid) != inside(uid)) {
            wrong("for uid " + std::to_string(uid) + " the core counts " + std::to_string(world_.state.counted(uid)) +
                  ", there are " + std::to_string(inside(uid)));
        }
    }
    if (world_.state.counted() != all) {
        wrong("the core's total count is wrong");
    }
    for (const SharedLimit total : shared_limits) {
        if (world_.state.counted(source_of(total)) != inside(total)) {
            wrong("for a shared limit the core counts " + std::to_string(world_.state.counted(source_of(total))) +
                  ", there are " + std::to_string(inside(total)));
        }
    }
}

/// Checks that every action that is due has been taken.
void Host::check_time() {
    for (Process& process : processes_) {
        const Bounds bounds = bounds_of(plan_, process.login);
        const Phase phase = phase_of(process);
        if (process.in && process.logind_id.empty() && phase == Phase::active) {
            // Without logind it became active later than its idle limit may have expired.
            surprise(process, after(world_.find(process.key)->admitted, Timeouts::logind_wait));
        }
        // Until its leader exits, it is not known whether processes are left behind.
        const bool is_limited = process.in || (process.behind && !process.alive && bounds.limits_left);
        if (!is_limited || process.told || !bounds.enforced || phase == Phase::ending) {
            continue;
        }
        if (world_.now > std::max(after(process.opened, bounds.duration), process.fair)) {
            wrong("session " + std::to_string(std::to_underlying(process.key)) + " exceeds its maximum duration");
        }
        if (process.typed && phase == Phase::active &&
            world_.now > std::max(after(after(std::max(process.used, process.perhaps_used), bounds.idle), stamp_step),
                                  process.fair)) {
            wrong("session " + std::to_string(std::to_underlying(process.key)) + " stays idle");
        }
        const Session* session = world_.find(process.key);
        const bool is_asked = session != nullptr && session->logout_check != LogoutCheck::none;
        if (process.in && !process.alive && !process.spared && !is_asked) {
            wrong("session " + std::to_string(std::to_underlying(process.key)) + " continues without its leader");
        }
    }
    for (const auto& [id, request] : requests_) {
        if (request.answers != 0 || request.gone) {
            continue;
        }
        const bool may_ask = is_fleet_limited(processes_[request.process].login) || planned_ >= request.since;
        if (world_.now > request.since + Timeouts::slot_wait + (may_ask ? Timeouts::claim_wait : Duration{})) {
            wrong("request " + std::to_string(id) + " waits too long");
        }
        const Login& login = processes_[request.process].login;
        const Bounds bounds = bounds_of(plan_, login);
        const Session* session = world_.state.by_request(RequestId{id});
        const bool is_denied = session != nullptr && session->phase == Phase::denied;
        const bool is_asking = session != nullptr && session->fleet_claim == FleetClaim::asked;
        if (!is_denied && !is_asking && bounds.shared_limits.empty() && inside(login.uid) < bounds.own) {
            wrong("request " + std::to_string(id) + " waits although a slot is free");
        }
    }
}

void Host::hear(const Notice& notice) {
    Process* process = of(notice.session.key);
    switch (notice.kind) {
    case Kind::would_deny:
        if (notice.reason.cause == Cause::fleet_limit_reached) {
            return verdicts_[notice.session.key].is_beyond ? void() : wrong("would-deny notice without a report");
        }
        return would_deny_.erase(notice.session.key) != 1 ? wrong("would-deny notice without a limit") : void();
    case Kind::denied:
        return hear_denied(notice);
    case Kind::ending:
        return process == nullptr ? wrong("ending notice for an unknown session") : hear_ending(*process, notice);
    case Kind::ended:
    case Kind::released:
        return process == nullptr ? wrong("final notice for an unknown session") : hear_farewell(*process, notice);
    case Kind::forced:
        return process == nullptr || !process->told ? wrong("forced without an ending notice") : void();
    case Kind::would_end:
        return process == nullptr || bounds_of(plan_, process->login).enforced
                   ? wrong("would-end notice although limits are enforced")
                   : void();
    case Kind::warned:
        return process == nullptr || !bounds_of(plan_, process->login).enforced || notice.left <= Duration{}
                   ? wrong("warning without an enforced limit")
                   : void();
    case Kind::over_limit:
        return inside(notice.session.login.uid) <= bounds_of(plan_, notice.session.login).own
                   ? wrong("over-limit notice within the limit")
                   : void();
    case Kind::fleet_unsure:
        // The login can wait for a slot of this host until the fleet is up again.
        verdicts_[notice.session.key].is_unknown |= world_.state.fleet() == FleetState::down;
        return;
    default:
        return;
    }
}

/// The answer to a local login follows later, when a slot may be free.
void Host::hear_denied(const Notice& notice) {
    const auto process = std::ranges::find(processes_, notice.session.leader, &Process::leader);
    if (process == processes_.end()) {
        return wrong("an unknown process is denied");
    }
    if (notice.reason.cause == Cause::displaced) {
        return;
    }
    if (notice.reason.cause == Cause::fleet_limit_reached || notice.reason.cause == Cause::fleet_unavailable) {
        check_fleet_denial(*process, notice);
    } else if (!is_full(*process)) {
        wrong("denied with free slots");
    }
    if (!bounds_of(plan_, process->login).enforced) {
        wrong("denied in observe mode");
    }
    process->in = process->adopted = false;
}

void Host::hear_ending(Process& process, const Notice& notice) {
    if (std::exchange(process.told, true)) {
        wrong("two ending notices");
    }
    process.reason = notice.reason;
    process.left = process.left && !process.behind; // another final notice follows
    const Bounds bounds = bounds_of(plan_, process.login);
    const bool is_by_limit = notice.reason.cause == Cause::duration || notice.reason.cause == Cause::idle;
    if (is_by_limit && process.behind && !bounds.limits_left) {
        wrong("a limit terminated a session that was left behind");
    }
    switch (notice.reason.cause) {
    case Cause::duration:
        if (!bounds.enforced || world_.now < after(process.opened, bounds.duration)) {
            wrong("terminated before its maximum duration");
        }
        return;
    case Cause::idle:
        if (!bounds.enforced || world_.now + stamp_step < after(std::max(process.opened, process.used), bounds.idle)) {
            wrong("terminated before its idle timeout");
        }
        return;
    case Cause::leader_gone:
        return process.alive ? wrong("its leader is alive") : void();
    case Cause::requested:
        return process.asked ? void() : wrong("its termination was not requested");
    case Cause::displaced:
        check_displacement(process);
        return check_displacement_rate(process.login.uid, notice.reason.by);
    case Cause::none:
    case Cause::limit_reached:
    case Cause::logind_idle:
    case Cause::fleet_limit_reached:
    case Cause::fleet_unavailable:
        return wrong("terminated without a reason");
    }
}

/// The displacing login may have left before the notice. The policy may have changed too.
void Host::check_displacement(const Process& process) {
    const auto unacknowledged = world_.unacknowledged.find(process.key);
    const bool is_dead = unacknowledged != world_.unacknowledged.end() && unacknowledged->second >= Timeouts::dead_peer;
    // The time of the displacement. During a restart of the daemon, its notice is late.
    const bool is_late = world_.now <= after(up_since_, Timeouts::terminal_setup);
    const BootTime earliest = (is_late ? down_since_ : world_.now) - Timeouts::terminal_setup;
    if (is_dead || process.dead_until >= earliest || planned_ >= earliest) {
        return;
    }
    if (plan_.defaults.at_limit == policy::AtLimit::deny) {
        wrong("displaced although logins at the limit are denied");
    }
    if (world_.now < after(process.used, plan_.defaults.displace_idle.value_or(Duration{}))) {
        wrong("displaced while in use");
    }
}

/// Each origin that took no part in the displacements that exceeded the rate may displace once more. The notice of a
/// displacement may follow later.
void Host::check_displacement_rate(uid_t uid, const std::string& origin) {
    displacements_.push_back({world_.now, uid, origin});
    std::set<BootTime> times;
    std::set<std::string> origins;
    for (const Displacement& one : displacements_) {
        if (one.uid == uid && one.at > world_.now - (core::Displacements::rate_period - Timeouts::terminal_setup)) {
            times.insert(one.at);
            origins.insert(one.origin);
        }
    }
    if (times.size() > core::Displacements::max_displacements + origins.size()) {
        wrong("sessions are displaced too often");
    }
}

void Host::hear_farewell(Process& process, const Notice& notice) {
    if (std::exchange(process.left, true)) {
        wrong("two final notices");
    }
    if (!process.has_left() || occupies(process)) {
        wrong("a final notice for an open session");
    }
    const bool ended = notice.kind == Kind::ended;
    if (ended != process.told || notice.reason != (ended ? process.reason : Reason{})) {
        wrong("the final reason differs from the ending notice");
    }
}

void Host::hear(const Answer& answer) {
    Request& request = requests_[std::to_underlying(answer.request)];
    if (answer.kind == Answer::Kind::wait) {
        return ++request.waits != 1 || request.answers != 0 || request.gone ? wrong("unexpected wait answer") : void();
    }
    if (++request.answers != 1) {
        wrong("two answers");
    }
    if (request.gone) {
        wrong("an answer to an aborted request");
    }
    Process& process = processes_[request.process];
    if (answer.kind == Answer::Kind::admitted) {
        let_in(process, answer);
    } else if (answer.kind == Answer::Kind::denied) {
        turned_away(process, answer);
    }
}

void Host::let_in(Process& process, const Answer& answer) {
    const bool late = std::exchange(process.adopted, false) && process.in; // PAM asks about it for the first time
    if (process.in && !late) {
        return answer.session.key != process.key || process.told ? wrong("admitted twice") : void();
    }
    const bool again = answer.session.key == process.key; // PAM asked late, and the login had to wait
    if (answer.session.key <= last_key_ && !again && of(answer.session.key) != nullptr) {
        wrong("a key is reused");
    }
    last_key_ = std::max(last_key_, answer.session.key);
    check_fleet(process, answer);
    if (is_full(process) && !verdicts_[answer.session.key].has_slot) {
        would_deny_.insert(answer.session.key);
        if (bounds_of(plan_, process.login).enforced) {
            wrong("admitted beyond a limit");
        }
    }
    const BootTime since = requests_[std::to_underlying(answer.request)].since;
    process.key = answer.session.key;
    process.in = true;
    process.used = since;
    if (again) {
        process.shown = !process.logind_id.empty();
        return;
    }
    process.shown = process.dismissed = process.told = process.left = process.asked = process.typed = false;
    process.reason = {};
    process.opened = since;
    process.fair = {};
}

void Host::turned_away(Process& process, const Answer& answer) {
    if (process.in && phase_of(process) == Phase::ending) {
        return;
    }
    if (process.in && !process.adopted) {
        return wrong("denied although admitted before");
    }
    if (answer.session.reason.cause == Cause::displaced) {
        return;
    }
    process.in = process.adopted = false;
}

} // namespace sesslimit::model
