// SPDX-License-Identifier: MIT
#include "tests/unit/support/core_world.hpp"

#include "daemon/policy/match.hpp"

#include "daemon/policy/resolve.hpp"

#include <algorithm>
#include <csignal>
#include <set>
#include <utility>

namespace sesslimit::test {
namespace {

using namespace core;

template <class T>
void fill(std::optional<policy::Setting<T>>& setting, const std::optional<T>& value) {
    if (value) {
        setting = policy::Setting<T>{*value};
    }
}

SessionKey key_of(const Record& record) {
    if (const auto* put = std::get_if<Put>(&record)) {
        return put->session.key;
    }
    const auto* drop = std::get_if<Drop>(&record);
    return drop != nullptr ? drop->session : SessionKey::none;
}

} // namespace

policy::Policy policy_of(const Rules& rules) {
    policy::Policy policy;
    policy::Settings& settings = policy.host.defaults;
    fill(settings.max_sessions, rules.max);
    fill(settings.max_duration, rules.duration);
    fill(settings.idle_timeout, rules.idle);
    fill(settings.warn_before, rules.warn);
    fill(settings.at_limit, rules.at_limit);
    if (rules.displace_idle) {
        settings.displace_idle = policy::Setting{policy::DisplaceIdle{*rules.displace_idle}, policy::SourceId{0}, 1};
    }
    fill(settings.mode, rules.mode);
    fill(settings.idle_activity, rules.activity);
    fill(settings.count_left_behind, rules.count_left_behind);
    fill(settings.limit_left_behind, rules.limit_left_behind);
    fill(settings.max_sessions_fleet, rules.fleet);
    fill(settings.on_fleet_error, rules.on_fleet_error);
    return policy;
}

policy::Policy with_total(const Rules& rules, policy::Count most, std::string name) {
    policy::Policy policy = policy_of(rules);
    policy::Match match;
    match.service.any = {"sshd"};
    policy::Rule rule;
    rule.match = std::make_shared<const policy::Match>(match);
    rule.max_sessions_total = policy::Setting<policy::Count>{most, policy::SourceId{0}, 3};
    rule.source = policy::SourceId{0};
    policy.host.rules.push_back(rule);
    policy.sources.push_back({policy::Tier::host, std::move(name), "policy.toml", 2});
    return policy;
}

Login ssh(uid_t uid, std::string rhost) {
    Login login;
    login.user = uid == alice ? "alice" : "bob";
    login.uid = uid;
    login.gids = {100};
    login.service = "sshd";
    login.tty = "ssh";
    login.connection = rhost + " 40000 192.0.2.1 22";
    login.rhost = std::move(rhost);
    return login;
}

Login console(uid_t uid, std::string service) {
    Login login = ssh(uid);
    login.service = std::move(service);
    login.tty = "/dev/tty1";
    login.rhost.clear();
    login.connection.clear();
    return login;
}

LogindSession seen(Duration age) {
    return {.id = "c9",
            .scope = "session-c9.scope",
            .session_class = "user",
            .closing = false,
            .leader = {700, 7000},
            .opened = start - age,
            .login = console()};
}

Session session_in(Phase phase, SessionKey key) {
    Session session;
    session.key = key;
    session.phase = phase;
    session.login = ssh();
    session.leader = {500, 5000};
    session.opened = start - 100s;
    session.last_input = session.opened;
    if (phase == Phase::active || phase == Phase::ending || phase == Phase::closed) {
        session.logind_id = "c1";
        session.scope = "session-c1.scope";
    }
    if (phase == Phase::admitted) {
        session.admitted = start;
        session.due = start + Timeouts::logind_wait;
    }
    if (phase == Phase::waiting) {
        session.request = RequestId{77};
        session.answer_by = start + 5s;
        session.due = session.answer_by;
    }
    if (phase == Phase::asking) {
        session.request = RequestId{77};
        session.answer_by = session.claim_until = session.due = start + 3s;
        session.fleet_claim = FleetClaim::asked;
        session.fleet_limit = 2;
    }
    if (phase == Phase::ending) {
        session.reason = {.cause = Cause::requested, .count = 0, .span = {}, .by = "root"};
        session.stage = TerminationStage::notified;
        session.due = start;
    }
    if (phase == Phase::denied) {
        session.reason = {.cause = Cause::limit_reached, .count = 1, .span = {}, .by = {}};
        session.due = start;
    }
    return session;
}

std::string wrong_with(const policy::Policy& policy, const State& state) {
    std::map<uid_t, std::size_t> counted;
    BootTime earliest = never;
    for (const auto& [key, session] : state.sessions()) {
        counted[session.login.uid] += occupies_slot(session) ? 1U : 0U;
        earliest = std::min(earliest, session.due);
        const bool open = session.phase == Phase::admitted || is_limited(session);
        const bool limited = session.max_duration != unlimited_duration ||
                             (session.phase == Phase::active && session.idle_timeout != unlimited_duration);
        const bool moves_on = session.phase == Phase::waiting || session.phase == Phase::asking ||
                              session.phase == Phase::ending || session.phase == Phase::denied ||
                              (open && limited && !session.observed);
        if (moves_on && session.due == never) {
            return "session " + number(key) + " has no deadline";
        }
        if (session.phase == Phase::ending && session.reason.cause == Cause::none) {
            return "session " + number(key) + " is ending without a reason";
        }
        if (session.phase == Phase::closed && session.due != never) {
            return "session " + number(key) + " is released but has a deadline";
        }
        if (!state.of_user(session.login.uid).contains(key)) {
            return "session " + number(key) + " is missing from its user's sessions";
        }
        if (session.observed && open && policy::resolve(policy, session.login).mode.value == policy::Mode::enforce) {
            return "session " + number(key) + " is observed although its limits are enforced";
        }
    }
    for (const auto& [uid, count] : counted) {
        if (state.counted(uid) != count) {
            return "uid " + std::to_string(uid) + " is miscounted";
        }
    }
    std::size_t claims = 0;
    for (const auto& [key, session] : state.sessions()) {
        claims += session.fleet_claim == FleetClaim::none ? 0U : 1U;
        if (session.fleet_claim == FleetClaim::asked && session.due > session.claim_until) {
            return "session " + number(key) + " waits too long for the fleet";
        }
        if (session.fleet_claim != FleetClaim::none && session.login.uid == 0) {
            return "session " + number(key) + " of root has a claim";
        }
    }
    if (state.claims() != claims) {
        return "the claims are miscounted";
    }
    const Session* next = state.next_due();
    return (next == nullptr ? never : next->due) == earliest ? "" : "next_due() is not the earliest deadline";
}

Decision World::feed(const Event& event) {
    Decision decision = decide(policy, state, event, now);
    std::string wrong;
    if (told(decide(policy, state, event, now)) != told(decision)) {
        wrong = "two calls of decide() differ";
    }
    std::set<SessionKey> recorded;
    for (const Record& record : decision.records) {
        if (const SessionKey key = key_of(record); key != SessionKey::none && !recorded.insert(key).second) {
            wrong = "two records of session " + number(key_of(record));
        }
    }
    apply(state, decision);
    if (wrong.empty()) {
        wrong = wrong_with(policy, state);
    }
    check_claims(decision);
    if (fault.empty() && !wrong.empty()) {
        fault = wrong + ", after: " + told(decision);
    }
    note(decision);
    for (const Effect& effect : decision.effects) {
        if (const auto* what = std::get_if<ProbeActivity>(&effect)) {
            look(what->session);
        }
        if (const auto* what = std::get_if<SampleTraffic>(&effect); what != nullptr && !mute) {
            const bool fails = blind || dark.contains(what->session);
            feed(TrafficSampled{.session = what->session,
                                .sample =
                                    fails ? std::nullopt : std::optional<TrafficSample>(other_samples[what->session])});
        }
        if (const auto* what = std::get_if<CheckConnections>(&effect)) {
            core::ConnectionsChecked checked{.waiting = what->waiting, .budget = what->budget, .connections = {}};
            for (const SessionKey key : what->sessions) {
                checked.connections.push_back({key, unacknowledged[key]});
            }
            feed(checked);
        }
        if (const auto* what = std::get_if<CheckLogout>(&effect); what != nullptr && !mute) {
            const bool out = closing.contains(what->session);
            feed(LogoutChecked{.session = what->session,
                               .state = out ? LogoutChecked::State::closing : LogoutChecked::State::open});
        }
    }
    return decision;
}

/// Follows the effects that change the claims of the fleet, which must be equal to those of the sessions.
void World::check_claims(const Decision& decision) {
    for (const Effect& effect : decision.effects) {
        if (const auto* claim = std::get_if<ClaimFleetSlot>(&effect)) {
            claims.insert(claim->session);
        } else if (const auto* listed = std::get_if<ListInFleet>(&effect)) {
            claims.insert(listed->session);
        } else if (const auto* release = std::get_if<ReleaseFleetSlot>(&effect)) {
            claims.erase(release->session);
        }
    }
    std::set<SessionKey> expected;
    for (const auto& [key, session] : state.sessions()) {
        if (session.fleet_claim != FleetClaim::none) {
            expected.insert(key);
        }
    }
    if (fault.empty() && claims != expected) {
        fault = "the fleet has other claims than the sessions, after: " + told(decision);
    }
}

void World::note(const Decision& decision) {
    Decision shown{.records = {}, .answers = decision.answers, .effects = {}};
    for (const Effect& effect : decision.effects) {
        if (const auto* report = std::get_if<ReportDenial>(&effect)) {
            reports.push_back(report->session.key);
        } else if (const auto* offer = std::get_if<OfferMissedReason>(&effect)) {
            offers.push_back(offer->session);
        } else if (!std::holds_alternative<ProbeActivity>(effect) && !std::holds_alternative<SampleTraffic>(effect) &&
                   !std::holds_alternative<CheckConnections>(effect)) {
            shown.effects.push_back(effect);
        }
        if (const auto* notice = std::get_if<Notice>(&effect)) {
            notices.push_back(*notice);
        }
    }
    answers.insert(answers.end(), decision.answers.begin(), decision.answers.end());
    if (const std::string line = carried_out(shown); !line.empty()) {
        log += (log.empty() ? "" : "; ") + in_seconds(now - start) + " " + line;
    }
}

void World::look(SessionKey key) {
    ++looks;
    if (mute) {
        return;
    }
    if (blind || dark.contains(key)) {
        return static_cast<void>(feed(ActivityProbed{.session = key, .sample = std::nullopt}));
    }
    const auto at = stamps.find(key);
    ActivitySample sample = other_samples[key];
    sample.wall_offset = wall_offset;
    if (at != stamps.end()) {
        sample.input = at->second;
    }
    feed(ActivityProbed{.session = key, .sample = sample});
}

void World::pass(Duration span) {
    constexpr int max_rings = 1000;
    const BootTime until = now + span;
    int rings_now = 0;
    while (state.next_due() != nullptr && state.next_due()->due <= until) {
        rings_now = state.next_due()->due > now ? 0 : rings_now + 1;
        if (rings_now > max_rings) {
            fault = fault.empty() ? "the timer expires endlessly: " + log : fault;
            break;
        }
        now = std::max(now, state.next_due()->due);
        ++wakeups;
        feed(TimerExpired{});
    }
    now = until;
}

void World::suspend(Duration span) {
    now += span;
    pass(Duration{});
}

void World::set_clock(Duration by, bool heard) {
    wall_offset += by;
    if (heard) {
        feed(ClockChanged{});
    }
}

void World::set(const Rules& rules) {
    policy = policy_of(rules);
    feed(PolicyChanged{});
}

pid_t World::ask(const Login& login, Duration budget) {
    const pid_t pid = ++last_pid_;
    feed(OpenRequested{.request = RequestId{static_cast<std::uint64_t>(pid)},
                       .login = login,
                       .leader = {pid, static_cast<std::uint64_t>(pid) * 10},
                       .budget = budget});
    return pid;
}

SessionKey World::login(const Login& login) {
    ask(login);
    if (answers.back().kind != Answer::Kind::admitted) {
        return SessionKey::none;
    }
    const SessionKey key = answers.back().session.key;
    logind_shows(key);
    return key;
}

SessionKey World::login_granted(const Login& login) {
    ask(login);
    const SessionKey key{std::to_underlying(state.next_key()) - 1};
    answer_claim(key, ClaimAnswered::Outcome::granted);
    logind_shows(key);
    type(key);
    (void)take_log();
    return key;
}

void World::logout(SessionKey key) {
    const Session session = *find(key);
    feed(CloseRequested{.request = RequestId{9}, .session = key, .leader = session.leader});
    if (find(key) != nullptr) {
        leader_exits(key);
    }
    if (!session.logind_id.empty()) {
        feed(LogindSessionRemoved{session.logind_id});
    }
}

void World::logind_shows(SessionKey key, bool graphical) {
    const Session session = *find(key);
    const std::string id = "c" + std::to_string(++logind_sessions_);
    feed(LogindSessionNew{{.id = id,
                           .scope = "session-" + id + ".scope",
                           .session_class = "user",
                           .graphical = graphical,
                           .closing = false,
                           .leader = session.leader,
                           .opened = now,
                           .login = session.login}});
}

void World::logind_forgets(SessionKey key) {
    feed(LogindSessionRemoved{std::string(find(key)->logind_id)});
}

void World::type(SessionKey key) {
    // tty_update_time in the kernel's drivers/tty/tty_io.c: whole seconds, updated only every 8 s.
    const auto second = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch() + wall_offset);
    Duration& stamp = stamps[key];
    const auto old = std::chrono::floor<std::chrono::seconds>(stamp);
    if (((second.count() ^ old.count()) & ~7LL) != 0) {
        stamp = second;
    }
}

std::string World::phase(SessionKey key) const {
    const Session* session = find(key);
    return session == nullptr ? "gone" : std::string(name_of(session->phase));
}

std::string World::take_log() {
    return std::exchange(log, {});
}

World full_house(policy::AtLimit at_limit) {
    World world({.max = 3, .at_limit = at_limit});
    for (int i = 0; i < 3; ++i) {
        const SessionKey session = world.login();
        world.type(session);
        world.pass(10s);
    }
    world.pass_until(50s);
    world.type(key(1));
    world.pass_until(60s);
    world.type(key(2));
    world.pass_until(70s);
    (void)world.take_log();
    return world;
}

} // namespace sesslimit::test
