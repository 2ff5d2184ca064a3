// SPDX-License-Identifier: MIT
// The events on the host: the effect of each step on the world, and the daemon's event for it.
#include "tests/model/host.hpp"

#include "common/local_login.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sesslimit::model {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_processes = 40;

Login login_of(std::uint32_t how) {
    constexpr std::array users{test::alice, test::bob, carol};
    const uid_t uid = users[how % users.size()];
    const std::uint32_t way = (how >> 8U) % 16;
    Login login = way < 10 ? test::ssh(uid) : test::console(uid, way == 15 ? "cron" : "login");
    login.user = uid == test::alice ? "alice" : uid == test::bob ? "bob" : "carol";
    login.gids = {100};
    if (uid != carol) {
        login.gids.push_back(team_gid);
    }
    login.nested = way == 14;
    return login;
}

} // namespace

Host::Host() {
    world_.policy = policy_of(plan_ = plan_of(0));
}

Outcome Host::run(const Script& script) {
    Host host;
    for (const Step& step : script) {
        host.act(step);
        if (!host.wrong_.empty()) {
            break;
        }
    }
    if (host.wrong_.empty()) {
        host.all_leave();
    }
    const std::size_t events =
        host.fed_ + static_cast<std::size_t>(host.world_.looks) + static_cast<std::size_t>(host.world_.wakeups);
    return {host.wrong_, events, host.world_.log};
}

void Host::act(const Step& step) {
    switch (step.what) {
    case What::open:
        return open(step);
    case What::hang_up:
        return hang_up(step);
    case What::adopt:
        return adopt(step);
    case What::wait:
        return pass(std::chrono::milliseconds(step.how % 3000));
    case What::stay:
        return pass(std::chrono::seconds(step.how % 60));
    case What::leap:
        return pass(std::chrono::minutes(step.how % 30));
    case What::clock:
        return set_clock(std::chrono::seconds(step.how % 7200) - 1h);
    case What::policy:
        return change(step);
    case What::fleet:
        return change_fleet(step);
    case What::answer:
        return answer_claim(step);
    case What::restart:
        return restart(step);
    default:
        break;
    }
    if (processes_.empty()) {
        return;
    }
    Process& process = processes_[step.who % processes_.size()];
    switch (step.what) {
    case What::ask_again:
        return process.alive ? ask(step.who % processes_.size(), step) : void();
    case What::show:
        return show(process, "user");
    case What::greeter:
        return show(process, "greeter");
    case What::close:
        return close(process, step);
    case What::die:
        return die(process);
    case What::forget:
        return forget(process);
    case What::look:
        return look(process, step);
    case What::send:
        return send(process);
    case What::groups:
        return learn_groups(process, step);
    case What::end:
        if (!process.in && phase_of(process) == Phase::left_behind) {
            process.told = process.left = false; // the termination has notices of its own
            process.asked = true;
            return feed(TerminationRequested{process.key, "root"});
        }
        process.asked = process.in;
        return process.in ? feed(TerminationRequested{process.key, "root"}) : void();
    case What::type:
        if (process.in) {
            process.typed = true;
            process.used = world_.now;
            world_.type(process.key);
        }
        return;
    case What::hear:
        if (process.in && phase_of(process) == Phase::active) {
            process.used = world_.now;
            feed(InputReceived{process.key});
        }
        return;
    default:
        return;
    }
}

void Host::open(const Step& step) {
    if (processes_.size() < max_processes) {
        const auto pid = static_cast<pid_t>(1000 + processes_.size());
        processes_.push_back({.leader = {pid, 7}, .login = login_of(step.how), .logind_id = {}, .reason = {}});
        ask(processes_.size() - 1, step);
    }
}

void Host::ask(std::size_t which, const Step& step) {
    Process& process = processes_[which];
    if (!process.in) {
        forget(process); // one session at a time
    }
    BootTime since = world_.now;
    for (auto& [id, request] : requests_) {
        if (request.process == which && !request.gone && request.answers == 0) {
            since = request.since;
            request.gone = true;
        }
    }
    const std::uint64_t id = ++last_request_;
    requests_[id] = {.process = which, .since = since};
    const Duration budget = std::chrono::milliseconds(1 + step.more % 8000);
    feed(OpenRequested{RequestId{id}, process.login, process.leader, budget});
    const Request& request = requests_[id];
    if (!counts(process.login) && world_.answers.back().kind != Answer::Kind::uncounted) {
        wrong("a login that does not count was counted");
    }
    // A login that may have to ask the fleet waits longer.
    const Session* session = world_.state.by_request(RequestId{id});
    BootTime latest = since + Timeouts::slot_wait;
    const bool asks =
        session != nullptr && (session->phase == Phase::asking || session->fleet_claim != FleetClaim::none);
    if (session != nullptr && (asks || is_fleet_limited(process.login))) {
        const bool may_ask = session->phase == Phase::waiting && session->fleet_claim != FleetClaim::granted &&
                             bounds_of(plan_, process.login).enforced && is_fleet_limited(process.login);
        latest = may_ask ? after(session->answer_by, Timeouts::claim_wait) : session->answer_by;
    }
    const bool impatient = world_.now + budget < latest + Timeouts::reply_margin;
    if (request.answers == 0 && request.waits != (impatient ? 1 : 0)) {
        wrong("a wait answer is missing or unexpected");
    }
}

void Host::show(Process& process, const std::string& session_class) {
    const bool is_user = session_class == "user";
    if (!process.in || process.shown || !process.alive || (!is_user && phase_of(process) != Phase::admitted)) {
        return;
    }
    process.logind_id = "c" + std::to_string(++last_logind_);
    process.shown = true;
    process.dismissed = process.dismissed || !is_user;
    process.in = process.in && is_user;
    process.is_greeter = !is_user;
    surprise(process, world_.now); // from now on it can be idle, and may have been idle for long
    feed(LogindSessionNew{{.id = process.logind_id,
                           .scope = "session-" + process.logind_id + ".scope",
                           .session_class = session_class,
                           .closing = false,
                           .leader = process.leader,
                           .opened = world_.now,
                           .login = process.login}});
}

void Host::close(Process& process, const Step& step) {
    if (!process.alive) {
        return;
    }
    if (process.in && phase_of(process) != Phase::ending) {
        process.dismissed = true; // a session being terminated counts until it is gone
    }
    const std::uint64_t id = ++last_request_;
    requests_[id] = {.process = static_cast<std::size_t>(&process - processes_.data()), .since = world_.now};
    feed(CloseRequested{RequestId{id}, step.how % 2 == 0 && process.in ? process.key : SessionKey::none,
                        process.leader});
    if (requests_[id].answers != 1) {
        wrong("a close request was not answered");
    }
}

void Host::die(Process& process) {
    if (!std::exchange(process.alive, false)) {
        return;
    }
    spare_unlimited();
    if (process.behind) {
        surprise(process, world_.now); // its limits may have expired since the logout
    }
    if (process.in && process.adopted && phase_of(process) == Phase::active && process.leader.pid % 2 == 0) {
        world_.closing.insert(process.key); // it logs out
        process.dismissed = true;
    }
    for (auto& [id, request] : requests_) {
        request.gone = request.gone || &processes_[request.process] == &process;
    }
    for (const auto& [key, session] : State::Sessions(world_.state.sessions())) {
        if (session.leader == process.leader) {
            feed(LeaderExited{key});
        }
    }
}

void Host::forget(Process& process) {
    if (!process.logind_id.empty()) {
        feed(LogindSessionRemoved{std::exchange(process.logind_id, {})});
    }
}

void Host::hang_up(const Step& step) {
    std::vector<std::uint64_t> pending;
    for (const auto& [id, request] : requests_) {
        if (request.answers == 0 && !request.gone) {
            pending.push_back(id);
        }
    }
    if (!pending.empty()) {
        const std::uint64_t id = pending[step.who % pending.size()];
        requests_[id].gone = true;
        Process& process = processes_[requests_[id].process];
        const Phase phase = phase_of(process);
        const bool is_undecided = phase == Phase::waiting || phase == Phase::asking || phase == Phase::denied;
        if (is_undecided && !process.logind_id.empty()) {
            process.in = process.adopted = true; // the login may continue, and logind has a session of it
            surprise(process, world_.now);
        }
        feed(RequestAborted{RequestId{id}});
    }
}

/// Changes the further results of probes from now on, and reports one probe at once.
void Host::look(Process& process, const Step& step) {
    if (!process.in) {
        return;
    }
    ActivitySample& sample = world_.other_samples[process.key];
    if (step.how % 2 == 0) {
        sample.connection = SocketSample{.cookie = 1,
                                         .bytes_in = step.more % 100'000,
                                         .bytes_out = 1,
                                         .segments_in = step.more % 100,
                                         .segments_out = 1};
        sample.processor_time = std::chrono::milliseconds(step.more % 5000);
    } else {
        ActivitySample nothing;
        nothing.sockets = sample.sockets;
        sample = nothing;
    }
    Duration& unacknowledged = world_.unacknowledged[process.key];
    if (unacknowledged >= Timeouts::dead_peer) {
        process.dead_until = world_.now;
    }
    unacknowledged = std::chrono::seconds(step.more % 3 == 0 ? 30 + step.more % 60 : 0);
    ActivitySample seen = sample;
    seen.wall_offset = world_.wall_offset;
    if (const auto stamp = world_.stamps.find(process.key); stamp != world_.stamps.end()) {
        seen.input = stamp->second;
    }
    if (step.more % 8 == 0) {
        surprise(process, after(world_.now, Timeouts::probe_retry)); // the next probe decides
        return feed(ActivityProbed{process.key, std::nullopt});
    }
    feed(ActivityProbed{process.key, seen});
}

/// The next sample of the session's connections shows the data. Its size excludes that it is a keepalive.
void Host::send(Process& process) {
    if (!process.in) {
        return;
    }
    auto& sockets = world_.other_samples[process.key].sockets;
    if (!sockets) {
        sockets = {SocketSample{.cookie = 2}};
    }
    SocketSample& socket = sockets->front();
    socket.bytes_out += 1000;
    ++socket.segments_out;
    socket.last_out = world_.now;
    process.used = world_.now;
}

void Host::learn_groups(Process& process, const Step& step) {
    if (process.in) {
        process.login.gids = step.how % 2 == 0 ? std::vector<gid_t>{100} : std::vector<gid_t>{100, team_gid};
        spare_unlimited();
        surprise();
        feed(GroupsResolved{process.key, process.login.gids});
    }
}

void Host::adopt(const Step& step) {
    if (processes_.size() >= max_processes) {
        return;
    }
    Process process{.leader = {static_cast<pid_t>(1000 + processes_.size()), 7},
                    .login = login_of(step.how),
                    .alive = step.more % 4 != 0,
                    .logind_id = "c" + std::to_string(++last_logind_),
                    .reason = {}};
    process.in = process.adopted = counts(process.login);
    process.shown = true;
    process.key = process.in ? world_.state.next_key() : SessionKey::none;
    process.opened = world_.now - std::chrono::seconds(step.more % 100);
    process.used = process.opened;
    const LogindSession seen{.id = process.logind_id,
                             .scope = "session-" + process.logind_id + ".scope",
                             .session_class = "user",
                             .closing = false,
                             .leader = process.alive ? process.leader : Leader{},
                             .opened = process.opened,
                             .login = process.login};
    processes_.push_back(std::move(process));
    spare_unlimited();
    surprise();
    feed(LogindSessionNew{seen});
}

void Host::change(const Step& step) {
    plan_ = plan_of(step.how);
    planned_ = world_.now;
    world_.policy = policy_of(plan_);
    for (Process& process : processes_) {
        process.left = process.left && !process.behind; // it can count again
    }
    spare_unlimited();
    surprise();
    feed(PolicyChanged{});
}

void Host::change_fleet(const Step& step) {
    if (world_.state.fleet() == FleetState::down) {
        fleet_down_until_ = world_.now;
    }
    feed(FleetStateChanged{FleetState{static_cast<std::uint8_t>(step.how % 4 == 3 ? 2 : step.how % 4)}});
}

/// Answers one of the claims for which logins wait. Sometimes it reports instead that a session is beyond the limit.
void Host::answer_claim(const Step& step) {
    std::vector<SessionKey> asked;
    for (const SessionKey key : world_.claims) {
        if (step.how % 8 == 7 || world_.find(key)->fleet_claim == FleetClaim::asked) {
            asked.push_back(key);
        }
    }
    if (asked.empty()) {
        return;
    }
    const SessionKey key = asked[step.who % asked.size()];
    Verdict& verdict = verdicts_[key];
    if (step.how % 8 == 7) {
        verdict.is_beyond = true;
        return feed(FleetLimitExceeded{key});
    }
    using Said = ClaimAnswered::Outcome;
    const Said outcome = step.how % 8 < 4 ? Said::granted : step.how % 8 < 6 ? Said::full : Said::unknown;
    verdict.is_granted = outcome == Said::granted;
    verdict.is_full = outcome == Said::full;
    verdict.is_unknown = outcome == Said::unknown;
    feed(ClaimAnswered{.session = key, .outcome = outcome});
    // The login claims a slot again if the policy permits more sessions since the claim.
    const Session* session = world_.find(key);
    verdicts_[key].is_full =
        verdicts_[key].is_full && (session == nullptr || session->fleet_claim != FleetClaim::asked);
}

/// Returns true if the core has the session and has not probed it.
bool Host::is_unprobed(const Process& process) const {
    const Session* session = world_.find(process.key);
    return process.in && session != nullptr && session->last_sample.at == BootTime{};
}

/// The terminal timestamps of sessions that were not probed yet cannot be converted after the wall clock was set.
void Host::use_unprobed() {
    for (Process& process : processes_) {
        process.undated = process.undated || is_unprobed(process);
        if (is_unprobed(process)) {
            process.used = world_.now;
        }
    }
}

/// If the wall clock is set back, a timestamp counts once more when the clock reaches it again.
void Host::set_clock(Duration by) {
    use_unprobed();
    for (Process& process : processes_) {
        process.perhaps_used = std::max(process.perhaps_used, world_.now) + std::max(Duration{}, -by);
    }
    world_.set_clock(by, false);
    feed(ClockChanged{});
}

void Host::pass(Duration span) {
    const BootTime until = world_.now + span;
    while (wrong_.empty() && world_.now < until) {
        const Session* next = world_.state.next_due();
        world_.pass((next == nullptr ? until : std::clamp(next->due, world_.now, until)) - world_.now);
        check_claims();
        check();
        check_time();
        if (next != nullptr && next == world_.state.next_due() && next->due <= world_.now) {
            wrong("the timer expires endlessly");
        }
    }
}

void Host::feed(const Event& event) {
    ++fed_;
    world_.feed(event);
    check_claims();
    check();
}

void Host::all_leave() {
    for (std::size_t at = 0; at < processes_.size() && wrong_.empty(); ++at) {
        if (at % 2 == 0) {
            die(processes_[at]);
            forget(processes_[at]);
        } else {
            forget(processes_[at]);
            die(processes_[at]);
        }
    }
    pass(1min);
    const State& state = world_.state;
    if (!state.sessions().empty() || state.counted() != 0 || state.next_due() != nullptr) {
        wrong("all processes have exited, but a session remains");
    }
    if (!world_.claims.empty()) {
        wrong("all processes have exited, but a claim remains");
    }
    for (const auto& [id, request] : requests_) {
        if (request.answers == 0 && !request.gone) {
            wrong("a request was never answered");
        }
    }
}

} // namespace sesslimit::model
